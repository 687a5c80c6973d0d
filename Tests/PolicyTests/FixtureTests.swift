import Foundation
import Policy
import Testing

/// One file per kind of mistake; its first lines are comments with what must be said about it, all of it and in order.
@Suite("Broken files")
struct FixtureTests {
    static let files: [URL] = {
        let folder = Bundle.module.url(forResource: "Fixtures", withExtension: nil)
        let found = folder.flatMap {
            try? FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)
        }
        return (found ?? []).filter { $0.pathExtension == "yaml" }.sorted { $0.path < $1.path }
    }()

    @Test("There are fixtures")
    func fixturesExist() {
        #expect(Self.files.count >= 70)
    }

    @Test("Every mistake is told with its place", arguments: files)
    func says(_ file: URL) throws {
        let bytes = [UInt8](try Data(contentsOf: file))
        let header = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .prefix { $0.hasPrefix("# ") }
        #expect(!header.isEmpty, "a fixture begins with what must be said about it")
        #expect(PolicyLoader.test(file: file.lastPathComponent).lines(bytes) == header.map { String($0.dropFirst(2)) })
    }

    @Test("No message repeats a secret", arguments: files)
    func keepsSecrets(_ file: URL) throws {
        for missing in [SecretSource.Missing.tolerated, .refused] {
            let loader = PolicyLoader.test(file: "p.yaml", missing: missing)
            let said = loader.lines([UInt8](try Data(contentsOf: file))).joined(separator: "\n")
            #expect(!said.contains("do-not-print") && !said.contains("hunter2"))
        }
    }
}
