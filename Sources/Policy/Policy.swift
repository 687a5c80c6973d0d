import Admission
import Providers

/// Everything the YAML document says, validated and complete: defaults are filled in, names resolved, units converted.
package struct Policy: Hashable, Sendable {
    /// What the process settings say, else the file, else ``Listener/standard``.
    package var listen: [Listener]
    /// `nil` where neither the process settings nor the file name one.
    package var admin: Listener?
    /// Whether a page that comes from the admin address itself may change something there.
    package var adminAllowsChanges = false
    /// Whether absolute-form and CONNECT requests are taken, for the upstreams below and nothing else.
    package var forwardProxy: Bool
    package var workers: Int?
    package var log: LogRules
    package var tracing: TracingRules
    package var identity: IdentityRules
    /// In the order of the file; at least one.
    package var upstreams: [Upstream]
    package var cluster: ClusterRules?
    package var proxyGuard: GuardRules
}

extension Policy {
    /// Files with certificates and keys, which are read where they are used.
    package var certificatePaths: [String] {
        let listeners = listen + [admin].compactMap(\.self) + upstreams.flatMap(\.listen)
        return listeners.compactMap(\.tls).flatMap { [$0.certificatePath, $0.keyPath] }
            + upstreams.compactMap(\.trustedCertificatesPath)
    }
}

/// Where connections come in.
package struct Listener: Hashable, Sendable {
    package var address: Address
    package var tls: Certificate?

    package enum Address: Hashable, Sendable {
        /// `host` is an IP address (without brackets) or a name; port 0 asks the system for a free one.
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    /// Paths of PEM files.
    package struct Certificate: Hashable, Sendable {
        package var certificatePath: String
        package var keyPath: String
    }
}

package struct LogRules: Hashable, Sendable {
    /// `nil` where the file says nothing.
    package var level: Level?
    package var format: Format?

    package enum Level: String, CaseIterable, Hashable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }

    package enum Format: String, CaseIterable, Hashable, Sendable {
        case json, text
    }
}

package struct TracingRules: Hashable, Sendable {
    package var spans = Spans.off

    /// What becomes of the spans of attempts.
    package enum Spans: String, CaseIterable, Hashable, Sendable {
        /// There are none; `traceparent` goes on as it came.
        case off
        /// A line each, where the caller records its trace.
        case log
    }
}

/// Where each name of an identity comes from.
package struct IdentityRules: Hashable, Sendable {
    package var tenant: [Source]
    package var job: [Source]
    package var priority: [Source]
    /// Names that the file adds, in its order; their dimensions follow the fixed ones. After a reload those that were
    /// there before come first; where one is gone its place has an empty name and no sources.
    package var others: [Named]

    package struct Named: Hashable, Sendable {
        package var name: String
        package var sources: [Source]
    }

    /// One place to look; the first that yields a value wins.
    package enum Source: Hashable, Sendable {
        /// `forward`: whether the header goes on to the provider.
        case header(name: String, forward: Bool)
        /// The user name of `Proxy-Authorization: Basic`.
        case proxyUser
        /// A member of the W3C `baggage` header.
        case baggage(member: String)
        /// The fingerprint of the API key, `key:` and 8 hexadecimal digits.
        case credential
        case fixed(String)
    }
}

/// One API that requests go to.
package struct Upstream: Hashable, Sendable {
    package var name: String
    package var url: UpstreamURL
    package var provider: Provider
    /// Names under which forward-proxy clients ask for it, lower case; the url's host is among them.
    package var hosts: [String]
    /// Begins with "/", has no "/" at its end.
    package var prefix: String
    /// Takes what no prefix matches.
    package var isDefault: Bool
    /// Addresses of its own; all that comes in there goes to this upstream.
    package var listen: [Listener]
    package var credential: Secret?
    /// Several keys to choose from, in the order of ``GateRules/keys``; empty where there is one at most.
    package var credentials: [NamedCredential] = []
    package var gate: GateRules
    package var pacing: PacingSetting
    package var retry: RetryRules
    package var connections: ConnectionRules
    package var timeouts: TimeoutRules
    /// The HTTP proxy that leads to the upstream.
    package var proxy: UpstreamProxy?
    /// Path of a PEM file with the certificates to trust instead of the system's.
    package var trustedCertificatesPath: String?
    /// Whether its name may resolve to a loopback, link-local or private address.
    package var isPrivate: Bool
    /// Where it differs from its provider's profile.
    package var overrides = ProfileOverrides()

    /// What is known about its wire.
    package var profile: ProviderProfile { provider.profile.overridden(by: overrides) }
}

/// One of several keys, and the name by which metrics, logs and `/status` call it.
package struct NamedCredential: Hashable, Sendable {
    package var name: String
    package var key: Secret
}

/// An `http` or `https` URL taken apart.
package struct UpstreamURL: Hashable, Sendable {
    package var isTLS: Bool
    /// Lower case, without brackets.
    package var host: String
    package var port: Int
    /// What every request path is joined to: empty, or begins with "/" and has no "/" at its end.
    package var path: String
    /// The value of the `Host` field: the host, and the port where it is not the scheme's own.
    package var authority: String
}

/// An HTTP proxy on the way to an upstream, which opens a tunnel to it (CONNECT).
package struct UpstreamProxy: Hashable, Sendable {
    /// `nil` where the URL stands in the file.
    package var source: Secret.Source?
    /// `nil` where the secret could not be found.
    package var url: ProxyURL?
}

/// An `http` URL of a proxy taken apart. Every description of it is `***`.
package struct ProxyURL: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// Lower case, without brackets.
    package var host: String
    package var port: Int
    /// `user:password`, where it has them.
    package var credentials: String?

    package var description: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// What the file says about pacing; ``GateRules/pacing`` is what follows from it.
package enum PacingSetting: Hashable, Sendable {
    case auto
    case even
    case burst
    case window(Interval)
}

package struct ConnectionRules: Hashable, Sendable {
    /// Open connections to the upstream, over all workers.
    package var max: Int = 100
    package var httpVersion: HTTPVersion = .auto
    /// An unused connection is closed after this long.
    package var idle: Interval = .seconds(60)

    package enum HTTPVersion: String, CaseIterable, Hashable, Sendable {
        /// ALPN h2, then http/1.1; HTTP/1.1 where the upstream has no TLS.
        case auto
        case h1
        case h2
        /// HTTP/2 without TLS, by prior knowledge.
        case h2c
    }
}

package struct TimeoutRules: Hashable, Sendable {
    package var connect: Interval = .seconds(5)
    /// From the end of the request to the response head.
    package var firstByte: Interval = .seconds(300)
    /// Between two parts of a response.
    package var idle: Interval = .seconds(120)
    /// From the sending of an attempt to its last byte.
    package var total: Interval = .seconds(600)
}

package struct ClusterRules: Hashable, Sendable {
    package var redis: RedisRules
    /// `upstream/limit` names; all limits that are not per job where empty.
    package var limits: [String]
    package var whenUnavailable: WhenUnavailable

    package enum WhenUnavailable: String, CaseIterable, Hashable, Sendable {
        case share, deny, local
    }
}

/// Where Redis or Valkey is and how one makes oneself known there.
package struct RedisRules: Hashable, Sendable {
    /// Servers, Sentinels or members of a Redis Cluster; at least one.
    package var seeds: [Address]
    package var isTLS: Bool
    package var database: Int
    package var user: String?
    package var password: Secret?
    /// What the Sentinels call the server; `nil` where the seeds are servers.
    package var sentinel: String?
    /// Path of a PEM file with the certificates to trust instead of the system's.
    package var trustedCertificatesPath: String?

    package enum Address: Hashable, Sendable {
        case host(String, port: Int)
        case unix(path: String)
    }
}

/// How the proxy protects itself.
package struct GuardRules: Hashable, Sendable {
    package var maxConnections: Int = 10_000
    /// What the process is to stay below; see `MemoryGuard`.
    package var maxMemory: Memory = .percent(80)
    package var maxHeaderBytes: Int = 64 << 10

    package enum Memory: Hashable, Sendable {
        /// Of the cgroup's limit, or of the machine's memory where that is less.
        case percent(Int)
        case bytes(Int)
    }
}

/// A secret's place and, once looked up, its value. Every description of it is `***`.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    package var source: Source
    /// `nil` where it could not be found.
    package var value: String?

    package enum Source: Hashable, Sendable {
        case environment(String)
        case file(String)
    }

    package var description: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
