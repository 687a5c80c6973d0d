import Admission
import Providers
import Telemetry

extension ExchangeOutcome {
    init(_ reason: GateRefusal.Reason) {
        switch reason {
        case .queueFull, .tenantQueueFull: self = .queueFull
        case .timedOut: self = .queueTimeout
        case .waitTooLong, .neverFits: self = .limited
        case .draining, .breakerOpen: self = .failed
        }
    }
}

extension Verdict {
    /// What an error answer says about the provider's health.
    init(_ kind: AnswerKind) {
        switch kind {
        case .overloaded: self = .overloaded
        case .serverError, .timeout: self = .failed
        case .ok, .clientError, .rateLimited, .quotaExhausted, .tooLarge: self = .answered
        }
    }
}

extension AttemptReason {
    init(_ kind: AnswerKind) {
        switch kind {
        case .rateLimited: self = .throttled
        case .overloaded: self = .overloaded
        case .timeout: self = .timeout
        case .ok, .clientError, .quotaExhausted, .tooLarge, .serverError: self = .serverError
        }
    }

    init(_ failure: UpstreamFailure, isStale: Bool) {
        switch failure {
        case .notProcessed: self = .refusedStream
        case .firstByteTimeout, .idleTimeout, .totalTimeout: self = .timeout
        case .closed, .malformed: self = isStale ? .staleConnection : .reset
        default: self = .connect
        }
    }
}

extension UpstreamFailure {
    var isClose: Bool {
        if case .closed = self { true } else { false }
    }

    /// What it says about the provider's health: nothing, where the fault is ours or the provider is only renewing its
    /// connections.
    var verdict: Verdict {
        switch self {
        case .poolExhausted, .notProcessed, .loop, .addressForbidden: .none
        default: .failed
        }
    }

    var isUnprocessed: Bool {
        if case .notProcessed = self { true } else { false }
    }

    /// What the caller is told.
    func refusal(for service: UpstreamService) -> Refusal {
        let name = service.upstream.name
        let timeouts = service.upstream.timeouts
        switch self {
        case .nameNotFound: return .connectFailed(.dns, upstream: name)
        case .nameTimeout: return .connectFailed(.dnsTimeout, upstream: name)
        case .connectTimeout: return .connectFailed(.timeout, upstream: name)
        case .connectRefused: return .connectFailed(.refused, upstream: name)
        case .unroutable: return .connectFailed(.unroutable, upstream: name)
        case .tlsCertificate(let why): return .connectFailed(.tlsCertificate, upstream: name, because: why)
        case .tlsProtocol(let why): return .connectFailed(.tlsProtocol, upstream: name, because: why)
        case .tlsAlert(let why): return .connectFailed(.tlsAlert, upstream: name, because: why)
        case .versionNotAgreed:
            return .connectFailed(.tlsProtocol, upstream: name, because: "it does not agree to HTTP/2")
        case .proxy(let failure): return failure.refusal(upstream: name)
        case .addressForbidden: return .connectFailed(.prohibited, upstream: name)
        case .loop: return .loop
        case .poolExhausted: return .overloaded("connections to \(name)")
        case .closed, .notProcessed: return .responseIncomplete(upstream: name)
        case .malformed(let what): return .badResponse(what, upstream: name)
        case .firstByteTimeout: return .firstByteTimeout(after: timeouts.firstByte, upstream: name)
        case .idleTimeout: return .idleTimeout(after: timeouts.idle, upstream: name)
        case .totalTimeout: return .totalTimeout(after: timeouts.total, upstream: name)
        }
    }
}
