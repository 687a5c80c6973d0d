#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The property that `PENSTOCK_PROPERTY` names; each process tries to break one.
private let property: Property = {
    let name = getenv("PENSTOCK_PROPERTY").map { String(cString: $0) } ?? ""
    guard let property = Property.named(name) else {
        fatalError("PENSTOCK_PROPERTY is to be one of \(Property.all.map(\.name).joined(separator: " "))")
    }
    return property
}()

/// What libFuzzer calls for each input; a violation ends the process, as a trap does, and the input is kept.
@_cdecl("LLVMFuzzerTestOneInput")
func tryInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    do {
        try property.check(Array(UnsafeBufferPointer(start: start, count: count)))
        return 0
    } catch {
        fatalError("\(property): \(error)")
    }
}
