import Policy
import Telemetry

/// What new requests go by: one value, so that a request never sees half of a reload.
struct InForce: Sendable {
    /// With the addresses that are bound.
    var policy: Policy
    /// In the order of the policy.
    var services: [UpstreamService]
    /// `nil` where nobody reads it.
    var accessLog: AccessLog?
    /// Upstreams that a policy had: what they have counted goes on if they come back, and requests of theirs may be
    /// under way.
    var removed: [UpstreamService] = []

    /// More than a person takes out of a file; a program that makes ever new names must not fill the memory.
    private static let mostRemoved = 100

    /// The same upstream by an earlier policy.
    func service(named name: String) -> UpstreamService? {
        (services + removed).first { $0.upstream.name == name }
    }

    /// This, followed by another policy.
    func followed(by policy: Policy, _ services: [UpstreamService], _ accessLog: AccessLog?) -> InForce {
        let names = Set(services.map(\.upstream.name))
        let removed = (removed + self.services).filter { !names.contains($0.upstream.name) }
        return InForce(
            policy: policy, services: services, accessLog: accessLog,
            removed: Array(removed.suffix(Self.mostRemoved)))
    }
}
