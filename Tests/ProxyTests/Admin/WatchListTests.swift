import Testing

@testable import Proxy

@Suite("Watchers of the status")
struct WatchListTests {
    /// A list that can be asked inside an expectation.
    private final class Bench {
        var list = WatchList()
        func enter() -> Int { list.enter() ?? -1 }
        func begins(_ watcher: Int) -> Bool { list.begin(watcher) }
        /// Who gets the event that is due, and who is dropped.
        func due() -> [[Int]] {
            let (recipients, dropped) = list.due()
            return [recipients, dropped]
        }
    }

    @Test("as many watch as there are places for, and who leaves makes room")
    func bound() {
        var list = WatchList()
        let watchers = (0...WatchList.most).compactMap { _ in list.enter() }
        #expect(watchers.count == WatchList.most && Set(watchers).count == WatchList.most)
        list.leave(watchers[3])
        list.leave(watchers[3])
        #expect(list.count == WatchList.most - 1)
        let next = (0...1).compactMap { _ in list.enter() }
        #expect(next.count == 1 && !watchers.contains(next[0]))
    }

    @Test("an event goes only to those who have taken the one before")
    func busy() {
        let bench = Bench()
        let (quick, slow) = (bench.enter(), bench.enter())
        #expect(bench.due() == [[quick, slow], []])
        bench.list.taken(quick)
        #expect(bench.due() == [[quick], []])
        #expect(!bench.begins(quick) && !bench.begins(slow))
        bench.list.taken(slow)
        #expect(bench.begins(slow))
    }

    @Test("who takes no event for long is dropped; who takes one now and then is not")
    func patience() {
        let bench = Bench()
        let (stuck, slow) = (bench.enter(), bench.enter())
        for turn in 0...WatchList.patience {
            let due = bench.due()
            #expect(due[1].isEmpty && due[0].contains(stuck) == (turn == 0))
            if turn % WatchList.patience == WatchList.patience - 1 { bench.list.taken(slow) }
        }
        #expect(bench.due()[1] == [stuck])
        #expect(bench.list.count == 1)
        bench.list.taken(stuck)
        #expect(bench.list.count == 1)
    }
}

@Suite("Server-sent events")
struct EventTextTests {
    @Test(
        "each line stands behind its name, and an empty one ends the event",
        arguments: [
            (#"{"a":1}"#, "data: {\"a\":1}\n\n"), ("{}\n", "data: {}\n\n"), ("a\nb", "data: a\ndata: b\n\n"),
            ("a\n\nb", "data: a\ndata: \ndata: b\n\n"), ("", "data: \n\n"),
            ("a\rdata: b", "data: a\ndata: data: b\n\n"),
        ])
    func framing(text: String, event: String) {
        #expect(String(decoding: EventText.event(Array(text.utf8)), as: UTF8.self) == event)
    }
}
