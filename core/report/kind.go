package report

// A Kind is a report's type, as in the Reporting API's envelope. Legacy
// reports have kind CSPViolation.
type Kind string

// The kinds that Decode returns; all others it only counts.
const (
	CSPViolation                        Kind = "csp-violation"
	CSPHash                             Kind = "csp-hash"
	IntegrityViolation                  Kind = "integrity-violation"
	PermissionsPolicyViolation          Kind = "permissions-policy-violation"
	PotentialPermissionsPolicyViolation Kind = "potential-permissions-policy-violation"
	DocumentPolicyViolation             Kind = "document-policy-violation"
	COEP                                Kind = "coep"
	COOP                                Kind = "coop"
	Deprecation                         Kind = "deprecation"
	Intervention                        Kind = "intervention"
	Crash                               Kind = "crash"
	NetworkError                        Kind = "network-error"
)

// Known reports whether Decode returns reports of kind k.
func (k Kind) Known() bool {
	switch k {
	case CSPViolation, CSPHash, IntegrityViolation, PermissionsPolicyViolation,
		PotentialPermissionsPolicyViolation, DocumentPolicyViolation, COEP, COOP,
		Deprecation, Intervention, Crash, NetworkError:
		return true
	}
	return false
}
