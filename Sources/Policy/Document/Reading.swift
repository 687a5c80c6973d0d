/// One run over one file: what was found, and where secrets come from.
final class Reading {
    let findings: Findings
    let duplicates: DuplicateKeys
    let secrets: SecretSource

    init(findings: Findings, duplicates: DuplicateKeys, secrets: SecretSource) {
        self.findings = findings
        self.duplicates = duplicates
        self.secrets = secrets
    }
}
