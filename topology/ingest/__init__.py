"""Records to summaries: stateless, one Kafka transaction a cycle."""
