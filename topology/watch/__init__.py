"""`serinus watch --replay`: what would the watch over production have said of a recorded signal?

command  its flags
rows     a CSV file -> times and values, with every bad row counted
logs     recorded log lines -> counts of each class a window
ward     windows of signals -> readings, and whether an alarm rings
replay   values -> readings -> score and alarm, by the code of production
run      opens, replays, writes, and tells what could not be read
plot     the signal, its score and its alarms in one picture
"""
