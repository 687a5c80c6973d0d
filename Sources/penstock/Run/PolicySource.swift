import Configuration
import Policy

/// Where the policy and the settings of the process come from, at the start and for each reload.
struct PolicySource: Sendable {
    let file: ConfigFile
    /// Flags and environment.
    let reader: ConfigReader

    /// What was read, together with the files that it was read from, as they stood before.
    struct Read: Sendable {
        var outcome: Result<Configured, Mistakes>
        var stamps: [String: FileStamp]
    }

    struct Configured: Sendable {
        /// With the settings in it.
        var policy: Policy
        var settings: Settings
        /// `FILE:LINE:COLUMN: warning: …`
        var warnings: [String]
    }

    /// Why there is no policy: everything that was found, warnings included, one line each.
    struct Mistakes: Error {
        var lines: [String]
    }

    /// - Parameter knownNames: see `PolicyLoader/knownNames`.
    func read(knownNames: [String] = []) -> Read {
        do {
            let addresses = try Settings.addresses(reader)
            let reading = file.read(
                missingSecrets: .refused, listen: addresses.listen, admin: addresses.admin, knownNames: knownNames)
            do {
                let loaded = try reading.outcome.get()
                let settings = try Settings(reader, policy: loaded.policy)
                let configured = Configured(
                    policy: settings.applied(to: loaded.policy), settings: settings,
                    warnings: loaded.warnings.map(\.description))
                return Read(outcome: .success(configured), stamps: reading.stamps)
            } catch let invalid as InvalidPolicy {
                return Read(
                    outcome: .failure(Mistakes(lines: invalid.diagnostics.map(\.description))), stamps: reading.stamps)
            }
        } catch {
            return Read(outcome: .failure(Mistakes(lines: ["error: \(error)"])), stamps: [:])
        }
    }
}
