{{- define "frameloom.name" -}}
{{- printf "%s" (ternary .Release.Name (printf "%s-frameloom" .Release.Name) (contains "frameloom" .Release.Name)) | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{/* Immutable labels of a release; `role` is api, cpu or gpu. */}}
{{- define "frameloom.selector" -}}
app.kubernetes.io/name: frameloom
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "frameloom.labels" -}}
{{ include "frameloom.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "frameloom.image" -}}
{{- $v := .root.Values -}}
{{- $name := ternary "frameloom-api" (printf "frameloom-worker-%s" .role) (eq .role "api") -}}
{{- $suffix := ternary $v.workers.gpu.tagSuffix "" (eq .role "gpu") -}}
{{- with $v.image.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ $name }}:{{ $v.image.tag | default .root.Chart.AppVersion }}{{ $suffix }}
{{- end }}

{{- define "frameloom.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "frameloom.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Settings common to all processes: Temporal, the store, and `settings` of the values. */}}
{{- define "frameloom.env" -}}
{{- $v := .root.Values -}}
- { name: FRAMELOOM_HOME, value: /data }
- { name: TEMPORAL_ADDRESS, value: {{ required "temporal.address is required: host:port of the frontend" $v.temporal.address | quote }} }
- { name: TEMPORAL_NAMESPACE, value: {{ $v.temporal.namespace | quote }} }
{{- with $v.temporal.apiKeySecret }}
{{- if .name }}
- name: TEMPORAL_API_KEY
  valueFrom: { secretKeyRef: { name: {{ .name | quote }}, key: {{ .key | quote }} } }
{{- end }}
{{- end }}
{{- if eq $v.store.kind "s3" }}
{{- with $v.store.s3 }}
- { name: FRAMELOOM_STORE, value: {{ required "store.s3.url is required: s3://bucket/prefix" .url | quote }} }
- { name: FRAMELOOM_STORE_CACHE, value: {{ int64 .cacheBytes | quote }} }
- { name: AWS_REGION, value: {{ .region | quote }} }
{{- with .endpoint }}
- { name: FRAMELOOM_S3_ENDPOINT, value: {{ . | quote }} }
{{- end }}
{{- if .credentialsSecret }}
{{- range list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ . }}
  valueFrom: { secretKeyRef: { name: {{ $v.store.s3.credentialsSecret | quote }}, key: {{ . }} } }
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $value := merge (dict) .settings $v.settings }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end }}

{{/* /data and /tmp, the only writable folders. */}}
{{- define "frameloom.volumes" -}}
- name: tmp
  emptyDir: { sizeLimit: 2Gi }
- name: data
{{- if eq .root.Values.store.kind "folder" }}
  persistentVolumeClaim:
    claimName: {{ .root.Values.store.folder.existingClaim | default (printf "%s-data" (include "frameloom.name" .root)) | quote }}
{{- else }}
  emptyDir: { sizeLimit: {{ .root.Values.store.s3.scratchSize }} }
{{- end }}
{{- end }}

{{- define "frameloom.mounts" -}}
- { name: tmp, mountPath: /tmp }
- { name: data, mountPath: /data }
{{- end }}

{{/* The profile of a pulled model. CPU workers plan jobs by it; it is not in their image. */}}
{{- define "frameloom.profile" -}}
{{- if .Values.model.pull.enabled }}{{ .Files.Get (printf "profiles/%s.json" .Values.model.name) }}{{ end }}
{{- end }}

{{- define "frameloom.scrape" -}}
prometheus.io/scrape: "true"
prometheus.io/path: /metrics
prometheus.io/port: {{ .port | quote }}
{{- end }}
