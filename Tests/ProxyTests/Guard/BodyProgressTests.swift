import Admission
import Testing

@testable import Proxy

@Suite("Whether a peer is fast enough to be waited for")
struct BodyProgressTests {
    /// 1 KiB in ten seconds, after a grace of thirty.
    private static let rule = BodyProgress.Rule.standard

    private static func at(_ seconds: Double) -> Instant {
        Instant(nanoseconds: 1_000_000_000_000 + Int64(seconds * 1e9))
    }

    /// When a peer is late that moves `bytes` every `period` seconds, if it is within an hour.
    private static func late(bytes: Int, every period: Double) -> Double? {
        var progress = BodyProgress(rule: rule)
        progress.resume(now: at(0))
        var time = period
        while time <= 3600 {
            if progress.deadline < at(time) {
                return Double((progress.deadline - at(0)).nanoseconds) / 1e9
            }
            progress.moved(bytes, now: at(time))
            time += period
        }
        return nil
    }

    @Test(
        "depends on its average",
        arguments: [
            (0, 1, 30...30), (1, 1, 30...31), (1, 10, 30...31), (51, 1, 55...62), (99, 1, 700...1100),
            (102, 1, nil), (103, 1, nil), (1024, 10, nil), (2048, 20, nil), (512, 10, 50...62), (3072, 30, nil),
            (1 << 20, 31, 30...30), (1 << 20, 29, nil),
        ] as [(Int, Double, ClosedRange<Double>?)])
    func rates(bytes: Int, period: Double, late: ClosedRange<Double>?) {
        let found = Self.late(bytes: bytes, every: period)
        if let late {
            #expect(found.map(late.contains) == true, "late after \(String(describing: found)) s")
        } else {
            #expect(found == nil)
        }
    }

    @Test("is not saved up: who sent megabytes at once may not be silent for longer than the grace")
    func noSavings() {
        var progress = BodyProgress()
        progress.resume(now: Self.at(0))
        progress.moved(100 << 20, now: Self.at(1))
        #expect(progress.deadline == Self.at(31))
    }

    @Test("does not matter while there is nothing to do")
    func paused() {
        var progress = BodyProgress()
        #expect(progress.deadline == .never)
        progress.resume(now: Self.at(0))
        progress.pause(now: Self.at(20))
        #expect(progress.deadline == .never)
        progress.pause(now: Self.at(5000))
        progress.resume(now: Self.at(9000))
        progress.resume(now: Self.at(9001))
        #expect(progress.deadline == Self.at(9010))
        // What it does meanwhile is earned all the same.
        progress.pause(now: Self.at(9005))
        progress.moved(1024, now: Self.at(9006))
        progress.resume(now: Self.at(9100))
        #expect(abs((progress.deadline - Self.at(9115)).nanoseconds) < 1_000_000)
    }

    @Test("that was late when it paused is late at once when it goes on")
    func latePause() {
        var progress = BodyProgress()
        progress.resume(now: Self.at(0))
        progress.pause(now: Self.at(40))
        progress.resume(now: Self.at(50))
        #expect(progress.deadline == Self.at(50))
    }

    @Test("is a matter of the rule")
    func rules() {
        var progress = BodyProgress(rule: .init(atLeast: 1, per: .seconds(1), grace: .seconds(2)))
        progress.resume(now: Self.at(0))
        progress.moved(1, now: Self.at(1.5))
        #expect(progress.deadline == Self.at(3))
    }
}
