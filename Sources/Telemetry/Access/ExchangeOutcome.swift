/// How an exchange ended, seen from downstream. A closed set, since it is a label.
package enum ExchangeOutcome: String, Hashable, Sendable, CaseIterable {
    case ok
    /// The upstream said that the request is wrong (4xx), and that was passed on.
    case clientError = "client_error"
    /// The upstream failed (5xx), and that was passed on.
    case upstreamError = "upstream_error"
    /// Refused: a limit.
    case limited
    case queueFull = "queue_full"
    case queueTimeout = "queue_timeout"
    /// The caller went away.
    case cancelled
    /// No whole answer came from the upstream, or Penstock could not go on.
    case failed
}

/// The first digit of a status code as a label.
package enum StatusClass: String, Hashable, Sendable, CaseIterable {
    case success = "2xx"
    case redirection = "3xx"
    case clientError = "4xx"
    case serverError = "5xx"
    /// There was no final status.
    case none

    /// - Parameter status: nil or anything outside 200 ... 599 is ``none``.
    package init(_ status: Int?) {
        switch status ?? 0 {
        case 200..<300: self = .success
        case 300..<400: self = .redirection
        case 400..<500: self = .clientError
        case 500..<600: self = .serverError
        default: self = .none
        }
    }
}
