#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The allocator below everything.
enum Allocator {
    /// glibc keeps what was freed for later; under a bound on the resident size that looks like use. Other libraries
    /// have no such function, and then nothing happens.
    static func giveBackWhatIsFree() {
        guard let trim = dlsym(nil, "malloc_trim") else { return }
        // int malloc_trim(size_t pad) since glibc 2.0; from 2.8 on it takes all arenas (malloc_trim(3)).
        _ = unsafeBitCast(trim, to: (@convention(c) (Int) -> Int32).self)(0)
    }
}
