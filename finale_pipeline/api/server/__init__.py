"""Between the network and the routes: server, middleware, connections, errors."""
