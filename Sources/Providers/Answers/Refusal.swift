import Admission

/// Why Penstock answers a request itself: the facts, before they take the shape of a provider's error.
package struct Refusal: Hashable, Sendable {
    package var status: Int
    /// For `Proxy-Status`.
    package var error: ProxyError
    /// One plain English sentence that says that it was Penstock, without a full stop.
    package var message: String
    /// The limit that holds the request back, where one does.
    package var limit: RefusedLimit?
    /// From now until coming back makes sense; nothing where it never does or nobody knows.
    package var retryAfter: Interval?
    /// Whether the client's SDK should repeat by itself; nothing: exactly where it can be told when to, within
    /// ``longestRetryAfter``.
    package var shouldRetry: Bool?

    /// Longer waits are not announced in `Retry-After`: many SDKs ignore such a value and repeat at once instead
    /// (openai 1.x and node, groq, together), others sleep for hours.
    package static let longestRetryAfter = Interval.seconds(60)

    package init(
        status: Int, error: ProxyError, message: String, limit: RefusedLimit? = nil, retryAfter: Interval? = nil,
        shouldRetry: Bool? = nil
    ) {
        self.status = status
        self.error = error
        self.message = message
        self.limit = limit
        self.retryAfter = retryAfter
        self.shouldRetry = shouldRetry
    }

    /// The advice in force: never to repeat earlier than it may be announced.
    package var advisesRetry: Bool {
        if let retryAfter, retryAfter > Self.longestRetryAfter { return false }
        return shouldRetry ?? (retryAfter != nil)
    }
}

/// Limits and the waiting room.
extension Refusal {
    /// A limit is reached and waiting is not possible.
    package static func limitReached(_ limit: RefusedLimit, wait: Interval?) -> Refusal {
        held("\(limit.inWords) is reached", by: limit, wait: wait)
    }

    /// The waiting room is full, or there is none.
    ///
    /// - Parameters:
    ///   - waiting: how many requests may wait, and do.
    ///   - tenant: whose part of the room is full, where it is not the whole room.
    ///   - limit: what holds them back.
    package static func queueFull(
        waiting: Int, tenant: String? = nil, limit: RefusedLimit?, wait: Interval?
    ) -> Refusal {
        let whose = tenant.map { " of tenant \(Words.quoted($0))" } ?? ""
        if waiting == 0 { return held("no request\(whose) may wait here", by: limit, wait: wait, namesLimit: true) }
        let verb = waiting == 1 ? "waits" : "wait"
        return held(
            "\(Words.count(waiting, "request"))\(whose) \(verb) already", by: limit, wait: wait, namesLimit: true)
    }

    /// It is known already that the wait would not end in time.
    ///
    /// - Parameter allowed: the longest wait that the request could have had.
    package static func waitTooLong(allowed: Interval, limit: RefusedLimit?, wait: Interval?) -> Refusal {
        held("the wait would be longer than \(Words.length(allowed))", by: limit, wait: wait, namesLimit: true)
    }

    /// It waited as long as it could and its turn did not come.
    package static func waitedInVain(for waited: Interval, limit: RefusedLimit?, wait: Interval?) -> Refusal {
        held("no turn came within \(Words.length(waited))", by: limit, wait: wait, namesLimit: true)
    }

    /// Its tokens alone are more than a limit allows in a whole window, so that no wait helps.
    package static func neverFits(tokens: Int, limit: RefusedLimit) -> Refusal {
        var refusal = held("\(Words.count(tokens, "token")) can never fit \(limit.inWords)", by: limit, wait: nil)
        refusal.status = 413
        refusal.shouldRetry = false
        return refusal
    }

    private static func held(
        _ reason: String, by limit: RefusedLimit?, wait: Interval?, namesLimit: Bool = false
    ) -> Refusal {
        let cause = namesLimit ? limit.map { ", held back by \($0.inWords)" } ?? "" : ""
        let advice = wait.map { "; come back \(Words.wait($0))" } ?? ""
        let isInFlight = if case .inFlight? = limit?.bound { true } else { false }
        return Refusal(
            status: 429, error: isInFlight ? .connectionLimitReached : .httpRequestDenied,
            message: "Penstock refused this request: \(reason)\(cause)\(advice)", limit: limit, retryAfter: wait)
    }
}

/// Penstock's own state.
extension Refusal {
    package static let draining = Refusal(
        status: 503, error: .proxyInternalResponse,
        message: "Penstock is shutting down and takes no new requests; come back in 1 second", retryAfter: .seconds(1))

    /// - Parameter reason: what there is too much of ("connections", "memory in use").
    package static func overloaded(_ reason: String) -> Refusal {
        Refusal(
            status: 503, error: .proxyInternalResponse,
            message: "Penstock refused this request to protect itself: too much \(reason); come back in 1 second",
            retryAfter: .seconds(1))
    }

    package static func breakerOpen(upstream: String, wait: Interval) -> Refusal {
        Refusal(
            status: 503, error: .destinationUnavailable,
            message: "Penstock refused this request: \(upstream) failed too often and is left alone for a while; "
                + "come back \(Words.wait(wait))",
            retryAfter: wait)
    }

    package static let loop = Refusal(
        status: 508, error: .proxyLoopDetected,
        message: "Penstock refused this request: it came round through Penstock itself", shouldRetry: false)

    package static let internalError = Refusal(
        status: 502, error: .proxyInternalError, message: "Penstock failed to pass this request on", shouldRetry: false)
}

/// The request and its destination.
extension Refusal {
    /// No upstream takes this path or host; a query is left out, it may hold a key.
    package static func noRoute(_ destination: String) -> Refusal {
        Refusal(
            status: 404, error: .httpRequestDenied,
            message: "Penstock has no upstream for \(named(destination))", shouldRetry: false)
    }

    /// A forward-proxy client asked for what is not configured.
    package static func destinationDenied(_ destination: String) -> Refusal {
        Refusal(
            status: 403, error: .httpRequestDenied,
            message: "Penstock refused this request: \(named(destination)) is no configured upstream",
            shouldRetry: false)
    }

    private static func named(_ destination: String) -> String {
        Words.cut(String(destination.prefix { $0 != "?" }))
    }

    package static func badRequest(_ reason: String) -> Refusal {
        atFault(400, "Penstock could not read this request: \(reason)")
    }

    /// The request took longer to arrive than it may.
    package static func requestTimeout(after length: Interval) -> Refusal {
        var refusal = atFault(
            408, "Penstock gave up waiting for the rest of this request after \(Words.length(length))")
        refusal.shouldRetry = true
        return refusal
    }

    package static func headTooLarge(limit bytes: Int) -> Refusal {
        atFault(431, "Penstock refused this request: its header fields are larger than \(Words.count(bytes, "byte"))")
    }

    package static func bodyTooLarge(limit bytes: Int) -> Refusal {
        atFault(413, "Penstock refused this request: its body is larger than \(Words.count(bytes, "byte"))")
    }

    private static func atFault(_ status: Int, _ message: String) -> Refusal {
        Refusal(status: status, error: .httpRequestError, message: message, shouldRetry: false)
    }
}

/// The way to the upstream and back. `spent` says that Penstock has made all the attempts that it makes, so that the
/// client's SDK must not multiply them by its own.
extension Refusal {
    package enum ConnectFailure: Hashable, Sendable, CaseIterable {
        case refused, timeout, terminated
        case dns, dnsTimeout
        case tlsCertificate, tlsProtocol, tlsAlert
        case unroutable
        /// The name led to an address that Penstock does not dial.
        case prohibited
        /// Somebody on the way says that it can't be reached, that it must not be, or nothing that makes sense.
        case unavailable, misconfigured, badAnswer
    }

    /// - Parameter cause: what happened, in words that follow a colon, where more is known than the kind of failure.
    package static func connectFailed(
        _ failure: ConnectFailure, upstream: String, because cause: String? = nil, spent: Bool = true
    ) -> Refusal {
        let (error, reason): (ProxyError, String) =
            switch failure {
            case .refused: (.connectionRefused, "the connection was refused")
            case .timeout: (.connectionTimeout, "the connection was not made in time")
            case .terminated: (.connectionTerminated, "the connection was closed before the answer")
            case .dns: (.dnsError, "its name could not be resolved")
            case .dnsTimeout: (.dnsTimeout, "its name was not resolved in time")
            case .tlsCertificate: (.tlsCertificateError, "its certificate could not be verified")
            case .tlsProtocol: (.tlsProtocolError, "the TLS handshake failed")
            case .tlsAlert: (.tlsAlertReceived, "it ended the TLS handshake with an alert")
            case .unroutable: (.destinationIPUnroutable, "there is no route to its address")
            case .prohibited: (.destinationIPProhibited, "its name leads to an address that is not public")
            case .unavailable: (.destinationUnavailable, "it can't be reached from the proxy on the way to it")
            case .misconfigured: (.proxyConfigurationError, "the proxy on the way to it refused")
            case .badAnswer: (.httpProtocolError, "the answer of the proxy on the way to it was no HTTP")
            }
        let spent = spent || failure == .prohibited
        return failed(502, error, "Penstock could not reach \(upstream): \(cause ?? reason)", spent: spent)
    }

    package static func firstByteTimeout(after length: Interval, upstream: String, spent: Bool = true) -> Refusal {
        failed(
            504, .httpResponseTimeout, "\(upstream) did not begin to answer Penstock within \(Words.length(length))",
            spent: spent)
    }

    /// Nothing moved for too long.
    package static func idleTimeout(after length: Interval, upstream: String, spent: Bool = true) -> Refusal {
        failed(
            504, .connectionReadTimeout, "\(upstream) sent Penstock nothing for \(Words.length(length))", spent: spent)
    }

    /// The whole exchange took longer than it may.
    package static func totalTimeout(after length: Interval, upstream: String, spent: Bool = true) -> Refusal {
        failed(
            504, .httpResponseTimeout,
            "\(upstream) did not finish its answer to Penstock within \(Words.length(length))",
            spent: spent)
    }

    /// The answer broke off before its end.
    package static func responseIncomplete(upstream: String, spent: Bool = true) -> Refusal {
        failed(502, .httpResponseIncomplete, "the answer of \(upstream) to Penstock broke off", spent: spent)
    }

    /// The answer was no HTTP.
    package static func badResponse(_ reason: String, upstream: String, spent: Bool = true) -> Refusal {
        failed(502, .httpProtocolError, "Penstock could not read the answer of \(upstream): \(reason)", spent: spent)
    }

    private static func failed(_ status: Int, _ error: ProxyError, _ message: String, spent: Bool) -> Refusal {
        Refusal(status: status, error: error, message: message, shouldRetry: !spent)
    }
}
