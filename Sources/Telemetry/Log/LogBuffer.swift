/// What waits to be written to the log: a bounded number of bytes. Pure: the sink brings thread and file.
struct LogBuffer {
    /// Lines under way to the file.
    struct Batch {
        var bytes: [UInt8]
        /// How many lost lines its last line tells about; 0 without such a line.
        var reportsLost: Int
    }

    let capacity: Int
    private(set) var pending: [UInt8] = []
    private var writing = 0
    /// Lines lost since the start.
    private(set) var dropped = 0
    private var unreported = 0
    /// The last write failed. Losses alone are then no reason to try again: that would spin.
    private var isBroken = false

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// Whether there is something to write.
    var isDue: Bool { !pending.isEmpty || unreported > 0 && !isBroken }

    /// Whether everything that can be written has been.
    var isSettled: Bool { !isDue && writing == 0 }

    /// Takes a whole line, or drops it where it does not fit.
    mutating func append(_ line: [UInt8]) {
        if pending.count + writing + line.count > capacity {
            dropped += 1
            unreported += 1
        } else {
            pending += line
        }
    }

    /// Hands out all that waits. Lines were lost because what waits filled the buffer, so the line that says so comes
    /// behind it.
    mutating func take(lossLine: (_ lost: Int) -> [UInt8]) -> Batch {
        var batch = Batch(bytes: pending, reportsLost: unreported)
        // Storage as large as a burst is given back: a sidecar's memory counts in every pod.
        pending = []
        if unreported > 0 { batch.bytes += lossLine(unreported) }
        unreported = 0
        writing = batch.bytes.count
        return batch
    }

    /// - Parameter unwritten: what could not be written of the batch.
    mutating func finish(_ batch: Batch, unwritten: ArraySlice<UInt8>) {
        writing = 0
        isBroken = !unwritten.isEmpty
        if !isBroken { return }
        let lines = unwritten.count { $0 == 0x0A } - (batch.reportsLost > 0 ? 1 : 0)
        dropped += lines
        unreported += lines + batch.reportsLost
    }
}
