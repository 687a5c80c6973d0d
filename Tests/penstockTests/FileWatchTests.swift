import Foundation
import Testing

@testable import penstock

@Suite("When files are read again")
struct FileWatchTests {
    /// A file as it stands: each letter is another state of it, a dash is nothing.
    private static func stamps(_ state: Character, other: Character = "a") -> [String: FileStamp] {
        ["/file": stamp(state), "/other": stamp(other)]
    }

    private static func stamp(_ state: Character) -> FileStamp {
        guard state != "-" else { return .missing }
        let moment = FileStamp.Moment(seconds: Int(state.asciiValue ?? 0), nanoseconds: 0)
        return .file(device: 1, number: 1, size: 1, modified: moment, changed: moment)
    }

    @Test(
        "once they have changed and come to rest",
        arguments: [
            ("aaaaa", "....."), ("abbbb", "..r.."), ("abcdd", "....r"), ("ab-bb", "....r"), ("a--bb", "..r.r"),
            ("abaaa", "....."), ("abbaa", "..r.r"), ("abbccdd", "..r.r.r"), ("a-b-b-b-b-b-b", "..........r.."),
        ])
    func looks(states: String, reads: String) {
        var watch = FileWatch(read: Self.stamps("a"))
        let found = states.map { watch.look(Self.stamps($0)) }
        #expect(String(found.map { $0.isEmpty ? "." : "r" }) == reads)
        #expect(found.allSatisfy { $0.isEmpty || $0 == ["/file"] })
    }

    @Test("together, where they change together")
    func together() {
        var watch = FileWatch(read: Self.stamps("a", other: "a"))
        #expect(watch.look(Self.stamps("b", other: "a")) == [])
        #expect(watch.look(Self.stamps("b", other: "b")) == [])
        #expect(watch.look(Self.stamps("b", other: "b")) == ["/file", "/other"])
        #expect(watch.look(Self.stamps("b", other: "b")) == [])
    }

    @Test("not for what was read meanwhile, but for what has changed since")
    func readMeanwhile() {
        var watch = FileWatch(read: Self.stamps("a"))
        #expect(watch.look(Self.stamps("b")) == [])
        watch.wasRead(Self.stamps("b"))
        #expect(watch.look(Self.stamps("b")) == [])
        #expect(watch.look(Self.stamps("b")) == [])
        watch.wasRead(["/new": Self.stamp("a")])
        #expect(watch.look(["/new": Self.stamp("c")]) == [])
        #expect(watch.look(["/new": Self.stamp("c")]) == ["/new"])
    }

    // MARK: Stamps

    private static func inDirectory(_ body: (URL) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "penstock-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(directory)
    }

    @Test("A file that is written, replaced, linked elsewhere or gone has another stamp")
    func stamps() throws {
        try Self.inDirectory { directory in
            func write(_ name: String, _ text: String) throws {
                try text.write(to: directory.appending(path: name), atomically: true, encoding: .utf8)
            }
            let path = directory.appending(path: "file").path()
            var seen: Set<FileStamp> = [FileStamp(path: path)]
            #expect(seen == [.missing])
            try write("file", "a")
            #expect(seen.insert(FileStamp(path: path)).inserted)
            #expect(!seen.insert(FileStamp(path: path)).inserted)
            // As an editor does it: beside it, then over it.
            try write("file", "b")
            #expect(seen.insert(FileStamp(path: path)).inserted)
            // As a Kubernetes volume does it: only the link `..data` changes.
            let manager = FileManager.default
            for version in ["..1", "..2"] {
                try manager.createDirectory(
                    at: directory.appending(path: version), withIntermediateDirectories: true)
                try write("\(version)/policy", "a")
                let data = directory.appending(path: "..data").path()
                try? manager.removeItem(atPath: data)
                try manager.createSymbolicLink(atPath: data, withDestinationPath: version)
                let link = directory.appending(path: "policy").path()
                if version == "..1" {
                    try manager.createSymbolicLink(atPath: link, withDestinationPath: "..data/policy")
                }
                #expect(seen.insert(FileStamp(path: link)).inserted)
            }
            // What can't be read twice is not looked at.
            #expect(FileStamp(path: "/dev/null") == .missing)
            #expect(FileStamp(path: directory.path()) == .missing)
        }
    }
}
