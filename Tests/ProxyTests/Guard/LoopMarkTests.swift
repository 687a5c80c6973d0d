import NIOHTTP1
import Testing

@testable import Proxy

@Suite("A request that has come round")
struct LoopMarkTests {
    private static let mark = LoopMark(instance: "k3x9")

    @Test("carries a field that says so")
    func own() {
        #expect(Self.mark.via == "1.1 penstock-k3x9")
        #expect(Self.mark.isOn(["Via": Self.mark.via]))
    }

    @Test(
        "is known by its name alone, wherever it stands",
        arguments: [
            ("1.1 edge, 1.1 penstock-k3x9", true), ("1.1 penstock-k3x9 (a comment), 2 other", true),
            ("1.0 edge,1.1  PENSTOCK-K3X9", true), ("HTTP/1.1\tpenstock-k3x9", true),
            ("1.1 penstock", false), ("1.1 penstock-k3x90", false), ("1.1 penstock-other", false),
            ("1.1 edge (penstock-k3x9)", false), ("penstock-k3x9", false), ("", false), (", ,", false),
        ])
    func fields(via: String, isOwn: Bool) {
        #expect(Self.mark.isOn(["Host": "a", "vIA": "1.0 first", "Via": via]) == isOwn)
    }

    @Test(
        "shows in an answer that was made here",
        arguments: [
            ("x-request-id", "k3x9-0-17", true), ("request-id", "k3x9-1-2", true), ("X-Request-Id", "k3x9-", true),
            ("x-request-id", "k3x91-0-17", false), ("x-request-id", "req_011CS", false), ("via", "k3x9-0-17", false),
        ])
    func answers(name: String, value: String, isOwn: Bool) {
        #expect(Self.mark.isOnAnswer(["Content-Type": "application/json", name: value]) == isOwn)
    }

    @Test("is suspected when several have gone and nothing came back, and only where no provider is")
    func suspicion() {
        var watch = LoopWatch()
        for number in 1...5 {
            let isMarked = watch.sends(toPrivate: true)
            #expect(isMarked == (number > 3))
        }
        for _ in 1...9 {
            watch.answered()
            let isMarked = watch.sends(toPrivate: true)
            #expect(!isMarked)
        }
        var other = LoopWatch()
        for _ in 1...9 {
            let isMarked = other.sends(toPrivate: false)
            #expect(!isMarked)
        }
    }
}
