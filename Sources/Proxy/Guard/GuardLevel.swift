import Synchronization

/// How far the proxy goes to protect itself; each level does what those below it do.
enum GuardLevel: UInt8, CaseIterable, Comparable, Sendable, AtomicRepresentable {
    case calm
    /// Bodies are not kept for repetitions, and less of them is taken before they are sent.
    case saving
    /// New requests of priority low are refused, and peers that give or take nothing have two seconds.
    case sheddingLow
    /// Only those of priority high are taken.
    case sheddingNormal
    case sheddingAll

    static func < (left: GuardLevel, right: GuardLevel) -> Bool { left.rawValue < right.rawValue }

    /// As `/status` shows it.
    var name: String {
        switch self {
        case .calm: "calm"
        case .saving: "saving"
        case .sheddingLow: "shedding_low"
        case .sheddingNormal: "shedding_normal"
        case .sheddingAll: "shedding_all"
        }
    }
}
