"""What do the logs say: failed traces, and traces such as neither the workload's past nor the baseline has shown?"""
