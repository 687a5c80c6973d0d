import Admission
import NIOCore
import Telemetry

/// The process's monotonic clock, in the core's terms.
enum Clock {
    static func now() -> Instant {
        Instant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds))
    }

    /// What to add to an instant to have the time of day.
    static var wallClockOffset: WallClockOffset {
        WallClockOffset(nanoseconds: WallTime.now.nanoseconds - now().nanoseconds)
    }
}

extension NIODeadline {
    /// The same point on NIO's clock, which has the same origin.
    init(_ instant: Instant) {
        self = .uptimeNanoseconds(UInt64(max(0, instant.nanoseconds)))
    }
}

extension TimeAmount {
    init(_ interval: Interval) {
        self = .nanoseconds(interval.nanoseconds)
    }
}
