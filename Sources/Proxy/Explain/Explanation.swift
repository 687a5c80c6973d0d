import Admission
import Policy
import Providers

/// What would become of one request, as the proxy's own code found out without sending it.
package struct Explanation: Sendable {
    /// Method and target, as asked.
    package var request: String
    package var verdict: Verdict
    /// `nil` where the request is refused before it has an upstream, or goes no further.
    package var way: Way?

    package enum Verdict: Sendable {
        /// It goes at once where nothing else is under way.
        case goes
        /// The server as such answers it (`OPTIONS *`).
        case answeredHere
        case refused(Refusal)
    }

    /// Of a request that has found its upstream.
    package struct Way: Sendable {
        package var upstream: String
        /// By what it found it.
        package var reason: String
        /// What the provider sees; keys in it are `***`.
        package var target: String
        /// Whose key the provider sees.
        package var key: String
        /// Fields that do not go on.
        package var withheld: [String]
        package var names: [Name]
        /// Whether the answer comes as a stream of events; `nil` for a tunnel.
        package var streams: Bool?
        /// Of the body; `nil` where no limit counts tokens, or it has none.
        package var tokens: TokenClaim?
        package var countsTokens: Bool
        package var limits: [Held]
        package var others: [Passed]
        /// The fair line, outermost first.
        package var line: [Place]
        package var longestWait: Interval
        /// What says so.
        package var waitSource: String
        package var timeouts: String
        package var retry: String
    }

    /// One name of the identity.
    package struct Name: Sendable {
        package var name: String
        /// Empty where the request has none.
        package var value: String
        /// Where the value came from, or why there is none.
        package var source: String
    }

    /// A limit that is about the request.
    package struct Held: Sendable {
        package var name: String
        /// The values by which its count is kept; empty for a limit for all.
        package var key: [(name: String, value: String)]
        package var isOverridden: Bool
        package var isObserved: Bool
        package var bounds: [Bound]
    }

    package struct Bound: Sendable {
        /// `16 in flight`, `500 requests/min`
        package var text: String
        package var pacing: String
        /// What the request takes of it, with its reserved tokens; `nil` where it is refused.
        package var takes: Int?
    }

    /// A limit that is not about the request.
    package struct Passed: Sendable {
        package var name: String
        package var reason: String
    }

    /// One level of the fair line.
    package struct Place: Sendable {
        package var level: String
        package var value: String
        package var weight: Int
    }
}

extension IdentityRules.Source {
    /// As the configuration writes it.
    package var text: String {
        switch self {
        case .header(let name, _): "header \(name)"
        case .proxyUser: "proxy_user"
        case .baggage(let member): "baggage \(member)"
        case .credential: "credential"
        case .fixed: "default"
        }
    }
}
