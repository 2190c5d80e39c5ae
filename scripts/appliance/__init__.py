"""The installer of an appliance: standard library only, for it runs before anything is installed.

Every change to disk stands between two moments at which the power may go; what is left is put in
order by `recover`, which the service runs before each start.
"""
