//! gRPC plumbing: server, call context, status mapping, client channels.
