#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How many files and connections this process may have open.
enum OpenFiles {
    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #elseif canImport(Musl)
        private static let resource = RLIMIT_NOFILE
    #endif

    /// Raises the soft limit to what is needed, as far as the hard limit allows, and says whether that is enough.
    static func suffice(_ needed: Int) -> Bool {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return false }
        if limit.rlim_cur >= rlim_t(needed) { return true }
        limit.rlim_cur = min(limit.rlim_max, rlim_t(needed))
        return setrlimit(resource, &limit) == 0 && limit.rlim_cur >= rlim_t(needed)
    }
}
