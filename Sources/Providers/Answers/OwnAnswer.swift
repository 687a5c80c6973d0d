import Admission

/// A response that Penstock writes itself. `Content-Length` and `Date` are the writer's part.
package struct OwnAnswer: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
}

extension Refusal {
    /// The refusal as clients of a provider expect to read it.
    ///
    /// - Parameter requestID: repeated where the provider's own errors carry one.
    package func answer(for provider: Provider, requestID: String? = nil) -> OwnAnswer {
        let shape = provider.profile.errorShape
        let body = shape.body(of: self, requestID: requestID)
        return OwnAnswer(
            status: shape.status(of: self),
            headers: [("Content-Type", shape.contentType)] + retryHeaders
                + shape.headers(of: self, requestID: requestID)
                + [("Proxy-Status", proxyStatus)] + limitHeaders,
            body: JSONText(body).bytes)
    }

    /// The wait as it is announced, never longer than SDKs obey.
    var announcedWait: Interval? {
        retryAfter.map { max(.zero, min($0, Self.longestRetryAfter)) }
    }

    private var retryHeaders: [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        if let announcedWait {
            headers.append(("Retry-After", String(announcedWait.secondsRoundedUp)))
            headers.append(("retry-after-ms", String(announcedWait.millisecondsRoundedUp)))
        }
        headers.append(("x-should-retry", String(advisesRetry)))
        return headers
    }

    /// With a space behind each semicolon, as RFC 9209 itself prints the field; parsers take both.
    private var proxyStatus: String {
        "penstock; error=\(error.rawValue); details=\(StructuredField.string(message))"
    }

    /// What binds, in structured fields of draft-ietf-httpapi-ratelimit-headers-10. `t` is the true time, also where
    /// `Retry-After` is cut short.
    private var limitHeaders: [(name: String, value: String)] {
        guard let limit else { return [] }
        // A request that can never fit says nothing about how much is left.
        let hasState = status == 429
        var policy: [(String, StructuredField.Value)] = [("q", .integer(limit.bound.quota))]
        if let unit = limit.bound.quotaUnit { policy.append(("qu", .string(unit))) }
        if let window = limit.bound.window { policy.append(("w", .integer(window.secondsRoundedUp))) }
        var state: [(String, StructuredField.Value)] = [("r", .integer(0))]
        if let retryAfter { state.append(("t", .integer(max(0, retryAfter.secondsRoundedUp)))) }
        let policyHeader = (name: "RateLimit-Policy", value: StructuredField.string(limit.name, policy))
        return [policyHeader] + (hasState ? [("RateLimit", StructuredField.string(limit.name, state))] : [])
    }
}
