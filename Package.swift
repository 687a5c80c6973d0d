// swift-tools-version: 6.2
import PackageDescription

/// Whether this is for scripts/fuzz.sh.
let isForFuzzer = Context.environment["PENSTOCK_FUZZ"] != nil

/// Our own targets only are watched: BoringSSL under libFuzzer takes half an hour to build, and nothing of it parses what
/// the properties are about.
let fuzzer: [String] = isForFuzzer ? ["-sanitize=fuzzer,address"] : []

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    // The debug build, in which the tests run, keeps the checks.
    .unsafeFlags(["-enforce-exclusivity=unchecked"] + fuzzer, .when(configuration: .release)),
]

let package = Package(
    name: "penstock",
    products: [
        .executable(name: "penstock", targets: ["penstock"]),
        .executable(name: "rehearse", targets: ["rehearse"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-structured-headers", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .target(
            name: "Admission",
            dependencies: [.product(name: "DequeModule", package: "swift-collections")],
            swiftSettings: strict),
        .target(
            name: "Providers",
            dependencies: [
                "Admission",
                .product(name: "RawStructuredFieldValues", package: "swift-http-structured-headers"),
            ],
            swiftSettings: strict),
        .target(
            name: "Policy",
            dependencies: ["Admission", "Providers", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict),
        .target(
            name: "Telemetry",
            dependencies: [
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "SharedLimits",
            dependencies: [
                "Admission",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),
        .target(
            name: "Proxy",
            dependencies: [
                "Admission", "Policy", "Providers", "SharedLimits", "Telemetry",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .target(
            name: "ProviderSimulator",
            dependencies: [
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),
        // Keeps 34 MB out of a statically linked program.
        .target(name: "CLocaleStub"),
        .executableTarget(
            name: "penstock",
            dependencies: [
                "Admission", "CLocaleStub", "Policy", "ProviderSimulator", "Providers", "Proxy", "Telemetry",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),
        // Tests and the tool below only: a world in virtual time.
        .target(name: "Rehearsal", dependencies: ["Admission", "Policy"], swiftSettings: strict),
        .executableTarget(
            name: "rehearse",
            dependencies: [
                "Admission", "Rehearsal", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        // What the data path costs, for scripts/relay-instructions.sh.
        .executableTarget(
            name: "relay-benchmark",
            dependencies: [
                "Policy", "Proxy", "Telemetry",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Benchmarks/Relay",
            swiftSettings: strict),
        .testTarget(name: "AdmissionTests", dependencies: ["Admission", "Rehearsal"], swiftSettings: strict),
        .testTarget(
            name: "SharedLimitsTests",
            dependencies: [
                "Admission", "Rehearsal", "SharedLimits",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),
        .testTarget(name: "RehearsalTests", dependencies: ["Admission", "Rehearsal"], swiftSettings: strict),
        .testTarget(
            name: "ProvidersTests", dependencies: ["Admission", "Providers", "Rehearsal"], swiftSettings: strict),
        .testTarget(
            name: "PolicyTests",
            dependencies: ["Admission", "Policy", "Providers", "Rehearsal"],
            resources: [.copy("Fixtures")],
            swiftSettings: strict),
        .testTarget(
            name: "TelemetryTests",
            dependencies: [
                "Telemetry",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ProxyTests",
            dependencies: [
                "Admission", "Policy", "Providers", "Proxy", "Rehearsal", "Telemetry",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ProviderSimulatorTests",
            dependencies: [
                "ProviderSimulator",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "penstockTests",
            dependencies: [
                "penstock", "ProviderSimulator",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

// What every input must fulfil is one set of sources: a test target that goes through the corpus, or, for scripts/fuzz.sh,
// a program that libFuzzer drives.
let properties = "Tests/PropertyTests"
let rooms: [Target.Dependency] = [
    "Admission", "Policy", "ProviderSimulator", "Providers", "Proxy", "Rehearsal", "SharedLimits", "Telemetry",
    .product(name: "Logging", package: "swift-log"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOEmbedded", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
if !isForFuzzer {
    package.targets.append(
        .testTarget(
            name: "PropertyTests", dependencies: rooms, path: properties, exclude: ["Fuzzer.swift"],
            resources: [.copy("Corpus")], swiftSettings: strict))
} else {
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: rooms, path: properties, exclude: ["CorpusTests.swift", "Corpus"],
            swiftSettings: strict, linkerSettings: [.unsafeFlags(fuzzer + ["-use-ld=lld"])]))
    package.products.append(.executable(name: "fuzz", targets: ["fuzz"]))
}
