#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The memory that the process has in use, for whoever reads it several times a second: the file stays open.
package final class ResidentSize: Sendable {
    private let file: Int32
    private let pageSize = sysconf(Int32(_SC_PAGESIZE))

    package init() {
        file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    }

    deinit {
        if file >= 0 { close(file) }
    }

    /// In bytes; nil where `/proc` is not mounted.
    package var bytes: Int? {
        guard file >= 0 else { return nil }
        // Seven numbers of at most twenty digits.
        var buffer: InlineArray<160, UInt8> = .init(repeating: 0)
        let capacity = buffer.count
        var span = buffer.mutableSpan
        return span.withUnsafeMutableBytes { buffer in
            let count = pread(file, buffer.baseAddress, capacity, 0)
            return count > 0 ? Self.pages(in: buffer[..<count]).map { $0 * pageSize } : nil
        }
    }

    /// The second field of `statm` (proc_pid_statm(5)).
    static func pages(in statm: some Sequence<UInt8>) -> Int? {
        var field = 0
        var number: Int?
        for byte in statm {
            switch byte {
            case 0x20 where field == 1: return number
            case 0x20: field += 1
            case 0x30...0x39 where field == 1: number = (number ?? 0) * 10 + Int(byte - 0x30)
            default: if field == 1 { return nil }
            }
        }
        return nil
    }
}
