package routes.job;

/**
 * What a producer asked for, checked.
 *
 * @param taskId key of the shop's row, 1 to 2^53-1
 * @param payload the JSON as it came, with the fields that Waybill does not know
 * @param vip whether it came through the list of those who go first
 */
public record Job(long taskId, String email, CourseUrl courseUrl, String payload, boolean vip) {}
