/// Why an attempt was made. A closed set, since it is a label.
package enum AttemptReason: String, Hashable, Sendable, CaseIterable {
    case first
    /// The provider had said slow down.
    case throttled
    /// The provider had said that it is overloaded (503, 529).
    case overloaded
    /// The provider had turned the key away, and another was there.
    case credential
    /// Another status that the provider's profile calls retryable.
    case serverError = "server_error"
    case connect
    /// The stream had been refused unprocessed, or the connection was going away.
    case refusedStream = "refused_stream"
    /// A connection idle in the pool broke on first use.
    case staleConnection = "stale_connection"
    /// The connection had broken before a response, and the configuration allows repeating then.
    case reset
    case timeout
}

/// Whether a limit acts or only counts.
package enum LimitMode: String, Hashable, Sendable {
    case enforce, observe
}

/// What a limit did to a request, or would have done.
package enum LimitAction: String, Hashable, Sendable {
    case wait, refuse
}

/// Which of a request's tokens.
package enum TokenKind: String, Hashable, Sendable {
    case input, output
}
