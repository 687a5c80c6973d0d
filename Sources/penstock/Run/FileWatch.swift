/// Decides when files that were read are to be read again: once they have changed and come to rest.
///
/// Whoever writes a file is in the middle of it most of the time that it takes, and what belongs together, such as a
/// certificate and its key, is seldom replaced in one step.
struct FileWatch: Sendable {
    /// As they were when they were read.
    private(set) var read: [String: FileStamp]
    private var seen: [String: FileStamp]
    private var restless = 0

    /// Files that change all the time are read after so many looks nevertheless.
    static let patience = 10

    init(read: [String: FileStamp]) {
        (self.read, seen) = (read, read)
    }

    /// Takes what stands there now, at equal distances; says which files have changed once it is time to read them, and
    /// nothing until then.
    mutating func look(_ now: [String: FileStamp]) -> [String] {
        let isAtRest = now == seen
        seen = now
        guard now != read else {
            restless = 0
            return []
        }
        restless += 1
        guard isAtRest || restless >= Self.patience else { return [] }
        defer { wasRead(now) }
        return now.filter { read[$0.key] != $0.value }.keys.sorted()
    }

    /// The files have been read, and stood so before they were.
    mutating func wasRead(_ stamps: [String: FileStamp]) {
        (read, seen, restless) = (stamps, stamps, 0)
    }
}
