# syntax=docker/dockerfile:1
FROM eclipse-temurin:17.0.15_6-jdk-jammy AS build
WORKDIR /src
COPY . .
RUN mkdir -p target && ./mvnw -B -ntp -q -DskipTests package

FROM rclone/rclone:1.69.3 AS rclone

FROM eclipse-temurin:17.0.15_6-jre-jammy
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini curl ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 waybill \
    && useradd --system --uid 10001 --gid waybill --create-home --home-dir /var/lib/waybill waybill \
    && install -d -o waybill -g waybill /var/lib/waybill/staging /var/lib/waybill/logs
COPY --from=rclone /usr/local/bin/rclone /usr/local/bin/rclone
COPY --from=build /src/target/waybill.jar /src/jvm.options /opt/waybill/
# By number: Kubernetes cannot tell whether a name is root.
USER 10001:10001
WORKDIR /var/lib/waybill
ENV STAGING_DIR=/var/lib/waybill/staging \
    LOG_DIR=/var/lib/waybill/logs \
    LC_ALL=C.UTF-8
# Longer than the worker's own start, which waits for Redis and the database for as long as it takes.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD curl -fsS "http://127.0.0.1:${WAYBILL_HTTP_PORT:-9876}/observe/health/live" || exit 1
# tini reaps what downloaders leave behind. Give `docker stop` 75 s (docs/operations.md, Stopping).
ENTRYPOINT ["/usr/bin/tini", "--", "java", "@/opt/waybill/jvm.options", "-jar", "/opt/waybill/waybill.jar"]
