//! Types and clients generated from the .proto files.
