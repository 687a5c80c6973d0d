import Foundation
import Policy
import Testing

/// The commented files that users copy.
@Suite("Example files")
struct ExampleFileTests {
    static let files: [URL] = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = root.appendingPathComponent("config")
        let found = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return (found ?? []).filter { $0.pathExtension == "yaml" }.sorted { $0.path < $1.path }
    }()

    @Test("There are example files")
    func filesExist() {
        let names = Set(Self.files.map(\.lastPathComponent))
        #expect(
            names.isSuperset(of: [
                "smallest.yaml", "pdf-pages.yaml", "batch-500-rpm.yaml", "several-upstreams.yaml", "complete.yaml",
            ]))
    }

    @Test("Every example loads, and warns of nothing", arguments: files)
    func loads(_ file: URL) throws {
        let bytes = [UInt8](try Data(contentsOf: file))
        let loaded = try PolicyLoader.test(missing: .refused).load(bytes)
        let warnings = loaded.warnings.map(\.message)
        #expect(warnings.isEmpty)
        #expect(!CheckTable(loaded.policy).description.isEmpty)
    }

    @Test("The complete example shows the defaults that it states")
    func defaultsAreTrue() throws {
        let file = try #require(Self.files.first { $0.lastPathComponent == "complete.yaml" })
        let complete = try PolicyLoader.test().load([UInt8](try Data(contentsOf: file))).policy
        let bare = try policy()
        #expect(complete.proxyGuard == bare.proxyGuard)
        #expect(complete.identity.job == bare.identity.job)
        #expect(complete.identity.priority == bare.identity.priority)
        let (shown, standard) = (complete.upstreams[0], bare.upstreams[0])
        #expect(shown.gate.queue == standard.gate.queue)
        #expect(shown.gate.fairness.levels == standard.gate.fairness.levels)
        #expect(shown.retry == standard.retry)
        #expect(shown.gate.breaker == standard.gate.breaker)
        #expect(shown.connections == standard.connections)
        #expect(shown.timeouts == standard.timeouts)
        #expect(shown.pacing == standard.pacing)
    }
}
