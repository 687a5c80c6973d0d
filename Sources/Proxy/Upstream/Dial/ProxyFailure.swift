import NIOHTTP1
import Providers

/// What went wrong at the HTTP proxy on the way to the upstream. The upstream has seen nothing.
indirect enum ProxyFailure: Error {
    /// It could not be reached itself.
    case unreachable(UpstreamFailure)
    /// It answered the wish for a tunnel with this status.
    case refused(HTTPResponseStatus)
    /// Its answer was no HTTP.
    case malformed(String)
    /// It did not answer in time.
    case silent
    /// It closed the connection without an answer.
    case closed

    /// Whether trying again can help: not where the proxy does not like who asks or for what.
    var mayPass: Bool {
        switch self {
        case .unreachable(let failure): failure.mayPass
        case .refused(let status): status.code >= 500 || status == .requestTimeout || status == .tooManyRequests
        case .malformed: false
        case .silent, .closed: true
        }
    }

    /// What the caller is told.
    func refusal(upstream: String) -> Refusal {
        let (failure, what) = told
        return .connectFailed(failure, upstream: upstream, because: "the proxy on the way to it \(what)")
    }

    private var told: (Refusal.ConnectFailure, String) {
        switch self {
        case .unreachable(.nameNotFound): (.dns, "has a name that could not be resolved")
        case .unreachable(.nameTimeout): (.dnsTimeout, "has a name that was not resolved in time")
        case .unreachable(.connectTimeout): (.timeout, "took no connection in time")
        case .unreachable(.connectRefused): (.refused, "refused the connection")
        case .unreachable(.unroutable): (.unroutable, "has an address to which there is no route")
        case .unreachable, .closed: (.terminated, "closed the connection without an answer")
        case .refused(let status):
            (status.code >= 500 ? .unavailable : .misconfigured, "answered \(status.code)\(Self.meaning(of: status))")
        case .malformed(let what): (.badAnswer, "did not answer as HTTP demands: \(what)")
        case .silent: (.timeout, "did not answer in time")
        }
    }

    /// The registered words for a status; a proxy's own ones may be anything.
    private static func meaning(of status: HTTPResponseStatus) -> String {
        let registered = HTTPResponseStatus(statusCode: Int(status.code))
        if case .custom = registered { return "" }
        return " \(registered.reasonPhrase)"
    }
}

extension UpstreamFailure {
    /// The same, where it was the proxy that was dialled.
    var atProxy: UpstreamFailure {
        switch self {
        case .loop, .proxy: self
        default: .proxy(.unreachable(self))
        }
    }

    /// The same, where it happened while the proxy's answer was awaited.
    var fromProxy: UpstreamFailure {
        if case .malformed(let what) = self { .proxy(.malformed(what)) } else { .proxy(.closed) }
    }
}
