"""Values that the services of the tenant share; `world.World` holds them."""
