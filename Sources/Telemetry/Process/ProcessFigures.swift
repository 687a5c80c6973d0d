#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The numbers about the process itself, read from `/proc` when somebody scrapes.
///
/// What cannot be read is left out: a missing line says more than a zero.
package enum ProcessFigures {
    package static func samples() -> [Sample] {
        cpuAndMemory() + files()
    }

    /// File descriptors open at this moment; nil where `/proc` is not mounted.
    package static var openFiles: Int? {
        // Linux says it in the directory's size since 6.2; listing ten thousand of them takes milliseconds.
        var about = stat()
        if stat("/proc/self/fd", &about) == 0, about.st_size > 0 { return about.st_size }
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var entries = 0
        while readdir(directory) != nil { entries += 1 }
        // Less `.`, `..` and the descriptor of this listing.
        return max(entries - 3, 0)
    }

    /// The soft limit on open file descriptors; nil where there is none.
    package static var mostOpenFiles: Int? {
        var limit = rlimit()
        #if canImport(Glibc)
            let found = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #else
            let found = getrlimit(RLIMIT_NOFILE, &limit)
        #endif
        return found == 0 ? Int(exactly: limit.rlim_cur) : nil
    }

    private static func files() -> [Sample] {
        var samples: [Sample] = []
        if let open = openFiles {
            samples += [.gauge("process_open_fds", open), .gauge("penstock_open_files", open)]
        }
        if let most = mostOpenFiles {
            samples += [.gauge("process_max_fds", most), .gauge("penstock_max_open_files", most)]
        }
        return samples
    }

    private static func cpuAndMemory() -> [Sample] {
        guard let stat = SmallFile.bytes("/proc/self/stat").flatMap({ ProcessStat($0) }) else { return [] }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        var samples: [Sample] = [
            Sample("process_cpu_seconds_total", .counter, .real(Double(stat.cpuTicks) / ticks)),
            .gauge("process_resident_memory_bytes", Int(stat.residentPages) * sysconf(Int32(_SC_PAGESIZE))),
            .gauge("process_virtual_memory_bytes", Int(stat.virtualBytes)),
            .gauge("process_threads", Int(stat.threads)),
        ]
        if let boot = bootTime {
            samples.append(.gauge("process_start_time_seconds", Double(boot) + Double(stat.startTicks) / ticks))
        }
        return samples
    }

    /// Read once: it does not change, and `/proc/stat` is long on a machine with many cores.
    private static let bootTime = SmallFile.bytes("/proc/stat").flatMap { ProcessStat.bootTime($0) }
}
