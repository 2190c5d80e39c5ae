"""What stands for InfluxDB 2 where none is: VictoriaMetrics, Flux's compiler, and a stand-in."""
