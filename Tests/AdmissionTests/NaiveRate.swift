@testable import Admission

/// One rate restated with a list of all that was ever sent: slow and plain, to compare ``RatePacer`` with.
struct NaiveRate {
    let quota: Int
    let window: Interval
    let part: Int?
    let partWindow: Interval
    let spacing: Interval
    let burst: Int
    var sends: [Instant] = []
    var due = Instant(nanoseconds: .min)
    var heldUntil: Instant?

    init(_ rate: Limit.Rate, pacing: Pacing, jitter: Interval) {
        let pacer = RatePacer(rate, pacing: pacing, jitter: jitter)
        quota = rate.quota
        window = rate.window + jitter
        spacing = pacer.spacing
        burst = pacer.burst
        if case .window(let fine) = pacing, fine < rate.window, rate.window < .days(1) {
            let exact = Double(rate.quota) * Double(fine.nanoseconds) / Double(rate.window.nanoseconds)
            part = Int(exact.rounded(.up))
            partWindow = fine + jitter
        } else {
            part = nil
            partWindow = window
        }
    }

    /// When the next send may go: not before its turn, and not while any window that ends then is full.
    var opening: Instant { max(due - spacing * (burst - 1), logOpening) }

    private var logOpening: Instant {
        let sorted = sends.sorted()
        func full(_ count: Int, _ length: Interval) -> Instant {
            sorted.count < count ? Instant(nanoseconds: .min) : sorted[sorted.count - count] + length
        }
        return max(full(quota, window), part.map { full($0, partWindow) } ?? Instant(nanoseconds: .min))
    }

    mutating func charge(at instant: Instant) {
        if let heldUntil { forgoBurst(until: min(heldUntil, instant)) }
        if spacing > .zero { due = max(due, instant) + spacing }
        sends.append(instant)
        noteHold(instant)
    }

    mutating func uncharge(at instant: Instant, now: Instant) {
        let index = sends.sorted().first { $0 >= instant }.flatMap(sends.firstIndex)
        if let index { sends.remove(at: index) }
        // Time that has gone by unused can't be given back: what came after keeps its place.
        if spacing > .zero {
            let later = sends.filter { $0 >= instant }.sorted()
            due = max(due - spacing, later.reduce(Instant(nanoseconds: .min)) { max($0, $1) + spacing })
        }
        if heldUntil != nil { noteHold(now) }
    }

    mutating func forgoBurst(until instant: Instant) {
        guard spacing > .zero else { return }
        due = max(due, instant + spacing * (burst - 1))
    }

    private mutating func noteHold(_ now: Instant) {
        let spaced = due - spacing * (burst - 1)
        heldUntil = logOpening > max(spaced, now) ? logOpening : nil
    }
}
