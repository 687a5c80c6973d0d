import CoreMetrics
import Synchronization

/// Every counter whose labels vary from request to request, made on first use and kept.
///
/// One lock guards the choice of names and the counters together: when a name loses its place, its counters are gone
/// before the place has a new holder. Whoever still has such a counter in hand counts into nothing, once.
final class LabelledCounters: Sendable {
    struct Key: Hashable {
        /// A small number in place of the name: cheaper to hash.
        var upstream: Int
        var labels: KeyLabels
    }

    enum KeyLabels: Hashable {
        case request(tenantSlot: Int, ExchangeOutcome, StatusClass)
        case attempt(StatusClass, AttemptReason)
        case limited(String, LimitMode, LimitAction)
        case throttled(status: Int)
        case tokens(modelSlot: Int, TokenKind)
        case unmetered

        /// Without the closed sets, whose hashes are those of their texts: the few keys that differ in nothing else are
        /// quicker told apart by comparison.
        func hash(into hasher: inout Hasher) {
            switch self {
            case .request(let slot, _, _): hasher.combine(slot)
            case .attempt: hasher.combine(-1)
            case .limited(let name, _, _): hasher.combine(name)
            case .throttled(let status): hasher.combine(-status)
            case .tokens(let slot, _): hasher.combine(~slot << 16)
            case .unmetered: hasher.combine(-2)
            }
        }

        var tenantSlot: Int? {
            if case .request(let slot, _, _) = self { slot } else { nil }
        }

        var modelSlot: Int? {
            if case .tokens(let slot, _) = self { slot } else { nil }
        }
    }

    private struct State {
        var tenants = TopNames()
        var models = TopNames()
        var counters: [Key: Counter] = [:]
    }

    private let factory: any MetricsFactory
    private let state = Mutex(State())

    init(factory: any MetricsFactory) {
        self.factory = factory
    }

    func counter(_ key: Key, _ name: String, labels: () -> [(String, String)]) -> Counter {
        state.withLock { find(key, name, labels: labels, in: &$0.counters) }
    }

    /// - Parameter labels: gets what stands in the label for this tenant.
    func counter(
        ofTenant tenant: String, now: Int64, key: (_ slot: Int) -> Key, _ name: String,
        labels: (_ tenant: String) -> [(String, String)]
    ) -> Counter {
        state.withLock { state in
            let place = state.tenants.note(tenant, now: now)
            if place.evicted != nil {
                LabelledCounters.remove(from: &state.counters) { $0.tenantSlot == place.slot }
            }
            return find(key(place.slot), name, labels: { labels(place.label) }, in: &state.counters)
        }
    }

    /// - Parameter labels: gets what stands in the label for this model.
    func counter(
        ofModel model: String, now: Int64, key: (_ slot: Int) -> Key, _ name: String,
        labels: (_ model: String) -> [(String, String)]
    ) -> Counter {
        state.withLock { state in
            let place = state.models.note(model, now: now)
            if place.evicted != nil {
                LabelledCounters.remove(from: &state.counters) { $0.modelSlot == place.slot }
            }
            return find(key(place.slot), name, labels: { labels(place.label) }, in: &state.counters)
        }
    }

    /// The label of each tenant, without counting a use; a new one takes a place that is free.
    func labels(ofTenants tenants: some Sequence<String>) -> [String] {
        state.withLock { state in tenants.map { state.tenants.label(of: $0) } }
    }

    private func find(
        _ key: Key, _ name: String, labels: () -> [(String, String)], in counters: inout [Key: Counter]
    ) -> Counter {
        if let known = counters[key] { return known }
        let made = Counter(label: name, dimensions: labels(), factory: factory)
        counters[key] = made
        return made
    }

    private static func remove(from counters: inout [Key: Counter], where isGone: (KeyLabels) -> Bool) {
        counters = counters.filter { key, counter in
            guard isGone(key.labels) else { return true }
            counter.destroy()
            return false
        }
    }
}
