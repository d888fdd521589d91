//! The only module that names rmcp: tools, resources, replies, the stdio transport and the HTTP edge.
