import Policy
import Telemetry

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How much memory there is: the tightest limit of the process's cgroup and those above it, or the machine's.
enum MemoryLimit {
    /// The bound that the policy means, in bytes; `nil` where it is a share of what can't be found out.
    static func bound(_ rule: GuardRules.Memory) -> Int? {
        switch rule {
        case .bytes(let bytes): bytes
        case .percent(let percent): available.map { $0 / 100 * percent }
        }
    }

    /// What this process may use, in bytes.
    static var available: Int? {
        let cgroups = SmallFile.text("/proc/self/cgroup") ?? ""
        let limits = [ofCgroups(cgroups, read: SmallFile.text), machine].compactMap(\.self)
        return limits.min()
    }

    private static var machine: Int? {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        let size = sysconf(Int32(_SC_PAGESIZE))
        return pages > 0 && size > 0 ? pages * size : nil
    }

    /// The tightest limit, from what `/proc/self/cgroup` says (cgroups(7)) and the files below `/sys/fs/cgroup`.
    ///
    /// A limit further up holds as well, so the path is walked to its root. In a container without a namespace of its
    /// own for cgroups the path is the host's and the mounted root is the container's: then only the root is found.
    static func ofCgroups(_ cgroups: String, read: (String) -> String?) -> Int? {
        var limits: [Int] = []
        for line in cgroups.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[0] == "0", fields[1].isEmpty {
                limits += along(fields[2], below: "/sys/fs/cgroup", file: "memory.max", read)
            } else if fields[1].split(separator: ",").contains("memory") {
                limits += along(fields[2], below: "/sys/fs/cgroup/memory", file: "memory.limit_in_bytes", read)
            }
        }
        return limits.min()
    }

    private static func along(
        _ path: Substring, below root: String, file: String, _ read: (String) -> String?
    ) -> [Int] {
        var parts = path.split(separator: "/")
        var limits: [Int] = []
        while true {
            let directory = ([root[...]] + parts).joined(separator: "/")
            // "max" is no limit; version 1 says so with the largest number that is a whole page.
            if let text = read("\(directory)/\(file)"), let limit = Int(text.prefix { $0.isNumber }), limit > 0 {
                limits.append(limit)
            }
            if parts.isEmpty { return limits }
            parts.removeLast()
        }
    }
}
