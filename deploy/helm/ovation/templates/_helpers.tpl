{{- define "ovation.labels" -}}
app.kubernetes.io/name: ovation
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "ovation.selector" -}}
app.kubernetes.io/name: ovation
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* A value as text. Helm reads every number of a file as a fraction, and writes a million as 1e+06. */}}
{{- define "ovation.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end }}

{{/* A deployment of one role: a list of the root, the role, and the role's values. */}}
{{- define "ovation.deployment" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $values := index . 2 -}}
{{- $selector := dict "Release" $root.Release "component" $role -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $root.Release.Name }}-{{ $role }}
  labels:
    {{- include "ovation.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $role }}
spec:
  {{- if not (and $values.autoscaling $values.autoscaling.enabled) }}
  replicas: {{ $values.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "ovation.selector" $selector | nindent 6 }}
  strategy:
    type: RollingUpdate
    # One more before one less: viewers that are sent away find room elsewhere.
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
  template:
    metadata:
      labels:
        {{- include "ovation.selector" $selector | nindent 8 }}
    spec:
      {{- with $root.Values.podSpec }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      # The drain, and what comes before and after it.
      terminationGracePeriodSeconds: {{ add $root.Values.drainSeconds 20 }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        seccompProfile: { type: RuntimeDefault }
        {{- with $root.Values.sysctls }}
        sysctls:
          {{- toYaml . | nindent 10 }}
        {{- end }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "ovation.selector" $selector | nindent 14 }}
      containers:
        - name: ovation
          image: "{{ $root.Values.image.repository }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}"
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [serve]
          env:
            - { name: OVATION_ROLE, value: {{ $role }} }
            - { name: OVATION_NATS, value: {{ $root.Values.nats | quote }} }
            - { name: OVATION_NATS_REPLICAS, value: {{ $root.Values.natsReplicas | quote }} }
            - { name: OVATION_REGION, value: {{ $root.Values.region | quote }} }
            - { name: OVATION_DRAIN, value: {{ $root.Values.drainSeconds }}s }
            - { name: OVATION_ADMIN_PORT, value: "8081" }
            - { name: OVATION_ADMIN_HOST, value: 0.0.0.0 }
            {{- range $name, $value := $root.Values.env }}
            - { name: {{ $name }}, value: {{ include "ovation.text" $value | quote }} }
            {{- end }}
            {{- range $name, $from := $root.Values.secretEnv }}
            - name: {{ $name }}
              valueFrom: { secretKeyRef: { name: {{ $from.name }}, key: {{ $from.key }} } }
            {{- end }}
          ports:
            - { name: http, containerPort: 8080 }
            - { name: admin, containerPort: 8081 }
          startupProbe:
            httpGet: { path: /health/live, port: admin }
            failureThreshold: 30
            periodSeconds: 2
          # It restarts nobody for a NATS that is away: live is the process, ready is what it is of use for.
          livenessProbe:
            httpGet: { path: /health/live, port: admin }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          readinessProbe:
            httpGet: { path: /health/ready, port: admin }
            periodSeconds: 5
            timeoutSeconds: 3
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          {{- with $root.Values.volumeMounts }}
          volumeMounts:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $root.Release.Name }}-{{ $role }}
  labels:
    {{- include "ovation.labels" $root | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "ovation.selector" $selector | nindent 6 }}
{{- end }}
