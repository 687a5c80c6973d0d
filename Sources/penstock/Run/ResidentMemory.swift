#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Gives back what only starting needed.
///
/// Reading the YAML file, the flags and the runtime's own metadata touches code all over the program, and the kernel
/// maps 64 KiB around each touch. A proxy that runs for months in every pod needs hardly any of it again.
enum ResidentMemory {
    /// To be called once the proxy serves. Costs a few page faults, answered from the page cache, for code that is used
    /// after all. Where the mappings can't be read nothing happens.
    static func releaseStartup() {
        guard let bytes = try? FileBytes.read("/proc/self/maps", atMost: 4 << 20) else { return }
        for line in bytes.split(separator: UInt8(ascii: "\n")) { release(line) }
    }

    /// Unmaps the pages of executable code: what the file says can be read from it again (madvise(2), MADV_DONTNEED).
    /// Only `r-xp` of a file: anything that was relocated or written lies elsewhere and stays.
    private static func release(_ line: ArraySlice<UInt8>) {
        let fields = line.split(separator: UInt8(ascii: " "))
        guard fields.count >= 6, fields[1].elementsEqual("r-xp".utf8), fields[5].first == UInt8(ascii: "/") else {
            return
        }
        let bounds = fields[0].split(separator: UInt8(ascii: "-")).compactMap { text in
            UInt(String(decoding: text, as: UTF8.self), radix: 16)
        }
        guard bounds.count == 2, let start = UnsafeMutableRawPointer(bitPattern: bounds[0]) else { return }
        madvise(start, Int(bounds[1] - bounds[0]), MADV_DONTNEED)
    }
}
