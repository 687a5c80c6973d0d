#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The seeds to try: the one in `PENSTOCK_SEED` where it is set, so that a failure can be repeated alone, else as many
/// as `PENSTOCK_SEEDS` says, else as many as are quick.
package func seeds(_ quick: UInt64) -> [UInt64] {
    func setting(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }
    if let seed = setting("PENSTOCK_SEED") { return [seed] }
    return Array(1...max(1, setting("PENSTOCK_SEEDS") ?? quick))
}
