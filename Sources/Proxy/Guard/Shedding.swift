import Admission
import Telemetry

/// Who is refused so that the process lives: the lowest class first, and for which reason.
struct Shedding: Equatable, Sendable {
    var memory = GuardLevel.calm
    var loop = GuardLevel.calm
    var connections = GuardLevel.calm

    /// Why a new request of this priority is not taken; `nil` where it is.
    func reason(against priority: Priority) -> ShedReason? {
        if !Self.passes(priority, at: memory) { return .memory }
        if !Self.passes(priority, at: loop) { return .loopLag }
        return Self.passes(priority, at: connections) ? nil : .connections
    }

    static func passes(_ priority: Priority, at level: GuardLevel) -> Bool {
        switch priority {
        case .low: level < .sheddingLow
        case .normal: level < .sheddingNormal
        case .high: level < .sheddingAll
        }
    }
}
