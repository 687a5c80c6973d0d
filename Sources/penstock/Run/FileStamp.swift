#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// By what a file that has been changed, replaced or reached by another symbolic link is told from what it was.
///
/// Links are followed: a Kubernetes volume changes by the link `..data` alone.
enum FileStamp: Hashable, Sendable {
    /// Nothing is there, or nothing that could be read twice.
    case missing
    case file(device: UInt64, number: UInt64, size: Int64, modified: Moment, changed: Moment)

    struct Moment: Hashable, Sendable {
        var seconds: Int
        var nanoseconds: Int
    }

    static func stamps(of paths: some Sequence<String>) -> [String: FileStamp] {
        Dictionary(paths.map { ($0, FileStamp(path: $0)) }) { first, _ in first }
    }

    init(path: String) {
        var about = stat()
        guard stat(path, &about) == 0, about.st_mode & S_IFMT == S_IFREG else {
            self = .missing
            return
        }
        self = .file(
            device: UInt64(about.st_dev), number: UInt64(about.st_ino), size: Int64(about.st_size),
            modified: Moment(seconds: about.st_mtim.tv_sec, nanoseconds: about.st_mtim.tv_nsec),
            changed: Moment(seconds: about.st_ctim.tv_sec, nanoseconds: about.st_ctim.tv_nsec))
    }
}
