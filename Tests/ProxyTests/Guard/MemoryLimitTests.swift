import Testing

@testable import Proxy

@Suite("How much memory there is")
struct MemoryLimitTests {
    private static let root = "/sys/fs/cgroup"

    @Test(
        "is the tightest limit on the way up",
        arguments: [
            ("0::/a/b\n", ["a/b/memory.max": "200\n", "a/memory.max": "max\n"], 200),
            ("0::/a/b\n", ["a/b/memory.max": "200\n", "a/memory.max": "100\n"], 100),
            ("0::/a/b\n", ["a/b/memory.max": "max\n", "a/memory.max": "max\n"], nil),
            ("0::/\n", ["memory.max": "300\n"], 300),
            // The host's path in a container that has no namespace for cgroups.
            ("0::/kubepods/pod1/c1\n", ["memory.max": "400\n"], 400),
            ("5:cpu:/\n4:memory:/docker/1\n0::/\n", ["memory/memory.limit_in_bytes": "500\n"], 500),
            (
                "4:cpu,memory:/x\n",
                ["memory/x/memory.limit_in_bytes": "700\n", "memory/memory.limit_in_bytes": "9223372036854771712\n"],
                700
            ),
            ("4:memory:/a:b\n", ["memory/a:b/memory.limit_in_bytes": "600\n"], 600),
            ("0::/../other\n", ["memory.max": "0\n"], nil),
            ("nonsense\n\n:\n", ["memory.max": "1\n"], nil),
            ("", [:], nil),
        ] as [(String, [String: String], Int?)])
    func cgroups(text: String, files: [String: String], limit: Int?) {
        let found = MemoryLimit.ofCgroups(text) { path in
            path.hasPrefix(Self.root) ? files[String(path.dropFirst(Self.root.count + 1))] : nil
        }
        #expect(found == limit)
    }

    @Test("of this machine is known, and a share of it is a share")
    func here() throws {
        let all = try #require(MemoryLimit.bound(.percent(100)))
        #expect(all > 64 << 20)
        let half = try #require(MemoryLimit.bound(.percent(50)))
        #expect(half <= all / 2)
        #expect(MemoryLimit.bound(.bytes(7)) == 7)
    }
}
