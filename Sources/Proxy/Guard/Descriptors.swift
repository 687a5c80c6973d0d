import Telemetry

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The process's file descriptors.
enum Descriptors {
    /// Makes all of them usable that the process may have, and says how many; `nil` where there is no bound.
    ///
    /// The soft limit is low by default for programs that use `select`; whoever does not is to raise it (systemd's
    /// "File Descriptor Limits").
    static func raiseLimit() -> Int? {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else {
            return ProcessFigures.mostOpenFiles
        }
        limit.rlim_cur = limit.rlim_max
        // Where it is refused the old limit holds, and that is what is said.
        _ = setrlimit(resource, &limit)
        return ProcessFigures.mostOpenFiles
    }

    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif
}
