{{- define "alt.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "alt.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "alt.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "alt.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "alt.selector" -}}
app.kubernetes.io/name: {{ include "alt.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "alt.labels" -}}
{{ include "alt.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: agent
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "alt.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "alt.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "alt.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* A switch as the program spells it: a bare on, off, true or false is a boolean in YAML. */}}
{{- define "alt.switch" -}}
{{- $words := ternary (list "true" "false") (list "on" "off") (has .key (list "k8sEnabled" "k8sWatchServices")) -}}
{{- if kindIs "bool" .value -}}{{ ternary (first $words) (last $words) .value }}{{- else -}}{{ .value }}{{- end -}}
{{- end -}}

{{/* config.audioPorts becomes AUDIO_PORTS, config.k8sScope K8S_SCOPE; null ones are left to the program. */}}
{{- define "alt.configEnv" -}}
{{- if not .Values.config.k8sNodeName }}
- name: K8S_NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- end }}
{{- range $key, $value := .Values.config }}
{{- if not (kindIs "invalid" $value) }}
- name: {{ regexReplaceAll "([a-z0-9])([A-Z])" $key "${1}_${2}" | upper }}
{{- if kindIs "slice" $value }}
  value: {{ join "," $value | quote }}
{{- else if kindIs "float64" $value }}
  value: {{ printf "%v" (int64 $value) | quote }}
{{- else if kindIs "bool" $value }}
  value: {{ include "alt.switch" (dict "key" $key "value" $value) | quote }}
{{- else }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What the bus block says, as BUS_*; secrets are files of the mounted Secret. */}}
{{- define "alt.busEnv" -}}
{{- $dir := "/etc/audio-latency-bus" -}}
{{- with .Values.bus }}
{{- if .url }}
- name: BUS_URL
  value: {{ .url | quote }}
{{- if eq .auth "user" }}
- name: BUS_USER
  value: {{ .user | quote }}
- name: BUS_PASSWORD_FILE
  value: {{ $dir }}/password
{{- else if eq .auth "token" }}
- name: BUS_TOKEN_FILE
  value: {{ $dir }}/token
{{- else if eq .auth "nkey" }}
- name: BUS_NKEY
  value: {{ .nkey | quote }}
- name: BUS_NKEY_SEED_FILE
  value: {{ $dir }}/nkey.seed
{{- else if eq .auth "credentials" }}
- name: BUS_CREDENTIALS_FILE
  value: {{ $dir }}/user.creds
{{- end }}
{{- if .ca }}
- name: BUS_CA_FILE
  value: {{ $dir }}/ca.crt
{{- end }}
{{- if .clientCertificate }}
- name: BUS_CERTIFICATE_FILE
  value: {{ $dir }}/tls.crt
- name: BUS_KEY_FILE
  value: {{ $dir }}/tls.key
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "alt.runsKubernetes" -}}
{{- if ne (toString .Values.config.k8sEnabled) "false" -}}yes{{- end -}}
{{- end -}}

{{/* What the kubelet asks; with an address of its own the server does not answer on the pod's. */}}
{{- define "alt.probe" -}}
{{- $address := default "0.0.0.0" .root.Values.config.metricsAddress -}}
httpGet:
  path: {{ .path }}
  port: metrics
  {{- if not (has $address (list "0.0.0.0" "::")) }}
  host: {{ $address | quote }}
  {{- end }}
{{- end -}}

{{- define "alt.scraped" -}}
{{- if or .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}yes{{- end -}}
{{- end -}}

{{/* Combinations that cannot work, said before anything is installed. */}}
{{- define "alt.validate" -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- fail "serviceMonitor.enabled and podMonitor.enabled are both true: every pod would be scraped twice. Enable one of them." -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled (not .Values.service.enabled) -}}
{{- fail "serviceMonitor.enabled needs service.enabled: a ServiceMonitor scrapes through the Service." -}}
{{- end -}}
{{- $address := default "" .Values.config.metricsAddress -}}
{{- if and (include "alt.scraped" .) (or (hasPrefix "127." $address) (eq $address "::1")) -}}
{{- fail (printf "config.metricsAddress is %s, where no Prometheus reaches it: leave it alone, or disable serviceMonitor and podMonitor." $address) -}}
{{- end -}}
{{- if and (has (toString .Values.config.processIdentity) (list "on" "true")) (not .Values.hostPID) -}}
{{- fail "config.processIdentity is on, but hostPID is false: without the node's processes there is nothing to look up. Set hostPID: true or leave processIdentity alone." -}}
{{- end -}}
{{- if and (not (include "alt.runsKubernetes" .)) (eq (toString .Values.config.k8sWatchServices) "true") -}}
{{- fail "config.k8sWatchServices is true, but config.k8sEnabled is false: nothing would watch them." -}}
{{- end -}}
{{- if and .Values.staticNames .Values.config.namesFile -}}
{{- fail "staticNames and config.namesFile are both set: the chart makes a names file of staticNames. Use one of them." -}}
{{- end -}}
{{- $latency := int (default 10000 .Values.config.maxLatencyMs) -}}
{{- if and .Values.config.signatureTtlSeconds (lt (mul 1000 (int .Values.config.signatureTtlSeconds)) $latency) -}}
{{- fail (printf "config.signatureTtlSeconds is below the longest latency, config.maxLatencyMs (%d ms): it would be forgotten before it is measured." $latency) -}}
{{- end -}}
{{- if and .Values.bus.networkPolicy.enabled (not (or .Values.bus.url .Values.config.busUrl)) -}}
{{- fail "bus.networkPolicy.enabled is true, but there is no bus: set bus.url." -}}
{{- end -}}
{{- if and (eq .Values.bus.auth "user") (not .Values.bus.user) -}}
{{- fail "bus.auth is user, but bus.user is empty." -}}
{{- end -}}
{{- if and (or (ne .Values.bus.auth "none") .Values.bus.ca .Values.bus.clientCertificate) (not .Values.bus.url) -}}
{{- fail "bus.auth, bus.ca and bus.clientCertificate belong to bus.url, which is empty: set it, or use config.bus* for all of them." -}}
{{- end -}}
{{- range $key := list "busUser" "busPasswordFile" "busTokenFile" "busNkey" "busNkeySeedFile" "busCredentialsFile" "busCaFile" "busCertificateFile" "busKeyFile" -}}
{{- if and $.Values.bus.url (index $.Values.config $key) -}}
{{- fail (printf "bus.url and config.%s are both set: use the bus block, or config.busUrl with config.bus*." $key) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.bus.url .Values.config.busUrl -}}
{{- fail "bus.url and config.busUrl are both set: use bus.url, which brings its credentials along." -}}
{{- end -}}
{{- if and (or (ne .Values.bus.auth "none") .Values.bus.ca .Values.bus.clientCertificate) (not .Values.bus.existingSecret) -}}
{{- fail "bus.auth, bus.ca and bus.clientCertificate need bus.existingSecret: the chart makes no Secret." -}}
{{- end -}}
{{- if and (eq .Values.bus.auth "nkey") (not .Values.bus.nkey) -}}
{{- fail "bus.auth is nkey, but bus.nkey, the public key, is empty." -}}
{{- end -}}
{{- if and .Values.privileged .Values.seccompLocalhostProfile -}}
{{- fail "privileged and seccompLocalhostProfile exclude each other: a privileged container runs without seccomp." -}}
{{- end -}}
{{- end -}}
