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

/// libFuzzer, as a function to call (llvm-project/compiler-rt/lib/fuzzer/FuzzerInterface.h).
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ tryInput: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

@main
enum Fuzzer {
    static func main() {
        var (count, arguments) = (CommandLine.argc, CommandLine.unsafeArgv)
        exit(runFuzzer(&count, &arguments, { tryInput($0, $1) }))
    }
}

/// What libFuzzer calls for each input; a violation ends the process, as a trap does, and the input is kept.
private func tryInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try property.check(Array(UnsafeBufferPointer(start: start, count: count)))
        return 0
    } catch {
        fatalError("\(property): \(error)")
    }
}
