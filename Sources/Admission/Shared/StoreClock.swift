/// Where the store's time stands on this replica's own clock, from the times between which each answer was made.
///
/// A turn is worked on after it was sent and before its answer came, so each answer bounds the difference of the clocks;
/// the shortest round trip of late bounds it best. Every instant that the store gives is then off by the same, at most
/// half of that round trip, and not by whatever each answer took.
struct StoreClock: Sendable {
    /// Bounds of the store's time less ours, in nanoseconds.
    private var least = Int64.min
    private var most = Int64.max
    private var notedAt = Instant(nanoseconds: .min)

    /// Two quartz clocks drift apart by less than this many millionths.
    private static let drift: Int64 = 200

    var isSet: Bool { least > .min }

    mutating func note(_ store: StoreTime, sentAt: Instant, receivedAt: Instant) {
        let time = store.microseconds * 1000
        let (low, high) = (time - receivedAt.nanoseconds, time + 1000 - sentAt.nanoseconds)
        let widening = isSet ? max(0, (receivedAt - notedAt).nanoseconds) / 1_000_000 * Self.drift + 1 : 0
        let (oldLow, oldHigh) = isSet ? (least - widening, most + widening) : (.min, .max)
        notedAt = receivedAt
        (least, most) = (max(low, oldLow), min(high, oldHigh))
        // One of the clocks was set, or it is another store.
        if least > most { (least, most) = (low, high) }
    }

    private var difference: Int64 { least + (most - least) / 2 }

    func instant(_ time: StoreTime) -> Instant { Instant(nanoseconds: time.microseconds * 1000 - difference) }

    func time(_ instant: Instant) -> StoreTime {
        StoreTime(microseconds: (instant.nanoseconds + difference) / 1000)
    }

    /// What to add to an instant to have the store's time of day.
    var wallClock: WallClockOffset { WallClockOffset(nanoseconds: isSet ? difference : 0) }
}
