//! What use cases are made of: handlers, context, ports for events, decorators.
