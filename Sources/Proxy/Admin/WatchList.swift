/// Who watches the status go by: a bounded number, each with at most one event on its way.
///
/// An event that the last one still stands in the way of is left out, since the next one says all anew; who takes none
/// for long is dropped.
struct WatchList: Sendable {
    /// Watchers at one time.
    static let most = 16
    /// Events left out in a row before a watcher is dropped; one is due each second.
    static let patience = 10

    private struct Watcher: Sendable {
        var isBusy = false
        var leftOut = 0
    }

    private var watchers: [Int: Watcher] = [:]
    private var latest = 0

    var isEmpty: Bool { watchers.isEmpty }
    var count: Int { watchers.count }

    /// A number for a new watcher; `nil` where there are too many.
    mutating func enter() -> Int? {
        guard watchers.count < Self.most else { return nil }
        latest += 1
        watchers[latest] = Watcher()
        return latest
    }

    /// Who has left already may leave again: ends come from several sides.
    mutating func leave(_ watcher: Int) {
        watchers[watcher] = nil
    }

    /// An event for one watcher is on its way; says whether it may be.
    mutating func begin(_ watcher: Int) -> Bool {
        guard watchers[watcher]?.isBusy == false else { return false }
        watchers[watcher] = Watcher(isBusy: true)
        return true
    }

    /// The event has been taken.
    mutating func taken(_ watcher: Int) {
        watchers[watcher]?.isBusy = false
    }

    /// An event is due for all: who gets it, and who is dropped for having taken none for too long.
    mutating func due() -> (recipients: [Int], dropped: [Int]) {
        var (recipients, dropped) = ([Int](), [Int]())
        for watcher in watchers.keys.sorted() {
            if begin(watcher) {
                recipients.append(watcher)
            } else if let leftOut = watchers[watcher]?.leftOut, leftOut >= Self.patience {
                dropped.append(watcher)
                watchers[watcher] = nil
            } else {
                watchers[watcher]?.leftOut += 1
            }
        }
        return (recipients, dropped)
    }
}
